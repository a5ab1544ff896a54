#!/usr/bin/perl
# A page behind the gate: what the web server handed to it, and what became of the request's body.
use strict;
use warnings;
use Digest::MD5 'md5_hex';

binmode $_ for *STDIN, *STDOUT;
# A chunked body has no length where the web server does not collect it; then it ends with the input.
my ($body, $left) = ('', $ENV{CONTENT_LENGTH});
$left = 0 unless length($left // '') || $ENV{HTTP_TRANSFER_ENCODING};
if (length($left // '')) {
	while ($left > 0 && read(STDIN, my $part, $left)) { $body .= $part; $left -= length $part }
} else {
	while (read STDIN, my $part, 65536) { $body .= $part }
}
print "Content-Type: text/plain\r\n\r\n";
for (sort keys %ENV) { (my $value = $ENV{$_}) =~ tr/\r\n/  /; print "$_=$value\n" }
printf "BODY_LEN=%d\nBODY_MD5=%s\n", length $body, md5_hex $body;
