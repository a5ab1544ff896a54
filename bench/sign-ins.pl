#!/usr/bin/perl
# Sign-ins at a rate that does not give way: each has its time, and what it takes counts from then on, so that one that is
# slow hides none behind it. Prints "TIME SECONDS STATUS" for each, until it is ended.
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

@ARGV == 4 or die "usage: sign-ins.pl BASE-URL USERS RATE PROCESSES\n";
my ($base, $users, $rate, $processes) = @ARGV;
my ($origin, $host, $path) = $base =~ m{^(http://([^/]+))(/.*)} or die "$base is no address for this\n";

# One write for all of it: a body that came apart would wait for the other side's acknowledgement. 0: no answer.
sub sign_in {
    my $body = qq({"email":"bench-$_[0]\@example.org","password":"correct-horse-$_[0]"});
    my $s = IO::Socket::INET->new(PeerAddr => $host, Timeout => 30) or return 0;
    my $request = "POST $path/sign-in/email HTTP/1.0\r\nHost: $host\r\nOrigin: $origin\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
    (syswrite($s, $request) // 0) == length $request or return 0;
    my $answer = "";
    1 while sysread $s, $answer, 65536, length $answer;
    return $answer =~ m{^HTTP/1\.[01] (\d+)} ? $1 : 0;
}

my $begin = time + 0.5;
my @children;
for my $me (0 .. $processes - 1) {
    my $pid = fork // die "fork: $!\n";
    if ($pid) { push @children, $pid; next }
    $| = 1;
    for (my $i = $me; getppid != 1; $i += $processes) {
        my $due = $begin + $i / $rate;
        my $early = $due - time;
        sleep $early if $early > 0;
        my $status = sign_in(1 + $i % $users);
        printf "%.3f %.6f %d\n", $due, time - $due, $status;
    }
    exit 0;
}
$SIG{TERM} = $SIG{INT} = sub { kill TERM => @children; exit 0 };
1 while wait != -1;
