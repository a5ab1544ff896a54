# cold.pl PORT HOST PATH COOKIE TEXT LOG COMMAND...: starts it and asks nginx each millisecond until an answer 200 holds TEXT.
# Prints the process id, and the milliseconds from the start to that answer; the latter not if it does not come within 20 s.
use strict;
use warnings;
use POSIX 'setsid';
use Socket;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

my ($port, $host, $path, $cookie, $text, $log, @command) = @ARGV;

sub answered {
    socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    connect($s, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "nginx: $!";
    syswrite $s, "GET $path HTTP/1.1\r\nHost: $host\r\nCookie: $cookie\r\nConnection: close\r\n\r\n";
    my $answer = '';
    while (sysread $s, my $part, 65536) { $answer .= $part }
    return $answer =~ m{^HTTP/1.1 200 } && index($answer, $text) >= 0;
}

my $began = clock_gettime(CLOCK_MONOTONIC);
my $pid = fork // die "fork: $!";
if (!$pid) {
    delete @ENV{grep { /^LATCHKEY_/ } keys %ENV}; # they would be settings
    setsid();
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $log;
    open STDERR, '>>', $log;
    exec @command or die "$command[0]: $!";
}
my ($took, $right) = (0, 0);
until ($right || $took > 20) {
    sleep 0.001;
    $right = answered();
    $took = clock_gettime(CLOCK_MONOTONIC) - $began;
}
printf "%d %s\n", $pid, $right ? sprintf('%.1f', $took * 1000) : '';
