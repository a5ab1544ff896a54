#!/usr/bin/perl
# app.pl PORT-FILE: an HTTP server behind the web server, as a Node, Ruby or Java program would be. It answers every request
# with the header fields that reached it, as a CGI script would see them, and what became of the body; with status 200, or what
# ?status= says. It takes a free port
# of 127.0.0.1 and writes it to PORT-FILE.
use strict;
use warnings;
use Digest::MD5 'md5_hex';
use IO::Socket::INET;

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) or die "listen: $!";
open my $file, '>', "$ARGV[0].new" or die "$ARGV[0].new: $!";
print $file $listener->sockport;
close $file;
rename "$ARGV[0].new", $ARGV[0] or die "$ARGV[0]: $!";

while (1) {
	my $client = $listener->accept or next;
	next if fork // die "fork: $!";
	alarm 60;
	binmode $client;
	answer($client);
	exit 0;
}

sub answer {
	my ($client) = @_;
	my ($method, $target, $protocol) = (readline($client) // '') =~ m{^(\S+) (\S+) (HTTP/1\.[01])\r\n$} or return refuse($client);
	my @env = ("REQUEST_METHOD=$method", "REQUEST_URI=$target", "SERVER_PROTOCOL=$protocol", 'APP=proxy');
	my %field;
	while (defined(my $line = readline $client)) {
		last if $line eq "\r\n";
		my ($name, $value) = $line =~ /^([^:\s]+):[ \t]*(.*?)[ \t]*\r\n$/ or return refuse($client);
		$field{lc $name} = $value;
		# Every character that no variable may hold is an underscore: the widest reading there is of two names as one.
		(my $variable = uc $name) =~ s/[^A-Z0-9]/_/g;
		push @env, "HTTP_$variable=$value";
	}
	my $body = body($client, \%field) // return refuse($client);
	my $text = join '', map { "$_\n" } @env, 'BODY_LEN=' . length $body, 'BODY_MD5=' . md5_hex $body;
	my ($status) = $target =~ /[?&]status=([2-5]\d\d)$/;
	print $client 'HTTP/1.1 ', $status // 200, " OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ", length $text, "\r\n\r\n";
	print $client $text unless $method eq 'HEAD';
}

sub body {
	my ($client, $field) = @_;
	return bytes($client, $field->{'content-length'} // 0) unless lc($field->{'transfer-encoding'} // '') eq 'chunked';
	my $body = '';
	while (1) {
		my ($size) = (readline($client) // '') =~ /^([0-9A-Fa-f]+)/ or return;
		my $part = bytes($client, hex $size) // return;
		readline $client;
		return $body unless hex $size;
		$body .= $part;
	}
}

sub bytes {
	my ($client, $left) = @_;
	my $bytes = '';
	while ($left > 0) {
		my $n = read $client, $bytes, $left, length $bytes or return;
		$left -= $n;
	}
	return $bytes;
}

sub refuse { my ($client) = @_; print $client "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" }
