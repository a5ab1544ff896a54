#!/usr/bin/perl
# session.pl SOCKET WORKERS MYSQL-SOCKET DATABASE: CGI.pm over FastCGI and DBI, in workers that were forked before
use strict;
use warnings;
use CGI;
use DBI;
use Digest::SHA 'sha256';
use FCGI;
use JSON::PP;

my ($socket, $workers, $mysql, $database) = @ARGV;
my $listening = FCGI::OpenSocket($socket, 1024);
my @workers;
for (1 .. $workers) {
    my $pid = fork // die "fork: $!";
    if (!$pid) { work(); exit }
    push @workers, $pid;
}
$SIG{TERM} = sub { kill 'KILL', @workers; exit };
1 while wait > 0;

sub work {
    my $db = DBI->connect("DBI:mysql:database=$database;mysql_socket=$mysql;mysql_server_prepare=1", 'root', '', { RaiseError => 1 });
    my $find = $db->prepare('SELECT u.id, u.email, u.name, u.emailVerified, u.image, s.createdAt, s.expiresAt, s.userAgent
        FROM bench_session s JOIN bench_user u ON u.id = s.userId WHERE s.token = ? AND s.expiresAt > ?');
    my $json = eval { require JSON::XS; JSON::XS->new } || JSON::PP->new;
    my $request = FCGI::Request(\*STDIN, \*STDOUT, \*STDERR, \%ENV, $listening);
    while ($request->Accept >= 0) {
        CGI::initialize_globals();
        my $q = CGI->new;
        $find->execute(sha256($q->cookie('sid') // ''), time);
        my $r = $find->fetchrow_hashref;
        $find->finish;
        if (!$r) {
            print $q->header(-status => 401, -type => 'application/json'), 'null';
            next;
        }
        print $q->header(-type => 'application/json', -charset => '', -cache_control => 'no-store'), $json->encode({
            session => { map { $_ => $r->{$_} } qw(createdAt expiresAt userAgent) },
            user => { map { $_ => $r->{$_} } qw(id email name emailVerified image) } });
    }
}
