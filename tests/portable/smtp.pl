#!/usr/bin/perl
# A mail server for one connection (RFC 5321). Tells its port in a file, keeps what it is sent in another.
# usage: smtp.pl PORT-FILE MAIL-FILE
use strict;
use warnings;
use IO::Socket::INET;

my ($port_file, $mail_file) = @ARGV;
my $listen = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $!\n";
sub keep {
	my ($file, $text) = @_;
	open(my $out, '>', "$file.new") or die "$file: $!\n";
	print $out $text;
	close($out) && rename("$file.new", $file) or die "$file: $!\n";
}
keep($port_file, $listen->sockport);
alarm 120;
my $client = $listen->accept or die "accept: $!\n";
my ($in_data, $mail) = (0, '');
$client->print("220 portable.test\r\n");
while (defined(my $line = <$client>)) {
	if ($in_data) {
		if ($line eq ".\r\n") { $in_data = 0; keep($mail_file, $mail); $client->print("250 2.0.0 taken\r\n") }
		else { $mail .= $line }
		next;
	}
	my ($verb) = $line =~ /^(\w+)/;
	$mail .= $line if $line =~ /^(MAIL|RCPT)/;
	if (!$verb) { $client->print("500 what?\r\n") }
	elsif ($verb eq 'DATA') { $in_data = 1; $client->print("354 go on\r\n") }
	elsif ($verb eq 'QUIT') { $client->print("221 bye\r\n"); last }
	else { $client->print("250 ok\r\n") }
}
