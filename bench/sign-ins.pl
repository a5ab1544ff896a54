#!/usr/bin/perl
# Sign-ins at a rate that does not give way: each has its time, and what it takes counts from then on, so that one that is
# slow hides none behind it. Prints "TIME SECONDS STATUS" for each, until it is ended.
use strict;
use warnings;
use HTTP::Tiny;
use Time::HiRes qw(time sleep);

@ARGV == 4 or die "usage: sign-ins.pl BASE-URL USERS RATE PROCESSES\n";
my ($base, $users, $rate, $processes) = @ARGV;
my ($origin) = $base =~ m{^(https?://[^/]+)};
my $begin = time + 0.5;
my @children;
for my $me (0 .. $processes - 1) {
    my $pid = fork // die "fork: $!\n";
    if ($pid) { push @children, $pid; next }
    $| = 1;
    my $http = HTTP::Tiny->new(keep_alive => 1, timeout => 30);
    for (my $i = $me; getppid != 1; $i += $processes) {
        my $due = $begin + $i / $rate;
        my $early = $due - time;
        sleep $early if $early > 0;
        my $user = 1 + $i % $users;
        my $res = $http->post("$base/sign-in/email", { headers => { "content-type" => "application/json", origin => $origin },
            content => qq({"email":"bench-$user\@example.org","password":"correct-horse-$user"}) });
        printf "%.3f %.6f %d\n", $due, time - $due, $res->{status};
    }
    exit 0;
}
$SIG{TERM} = $SIG{INT} = sub { kill TERM => @children; exit 0 };
1 while wait != -1;
