#!/usr/bin/perl
# Handlers in Perl, with nothing but its core: the whole of the bridge protocol (docs/bridge-protocol.md) in one loop.
# A handler is given its run and answers by finish(); one that has to wait for the worker goes on in a callback.
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->utf8->allow_nonref->canonical->max_depth(1000);
open(my $wire, '>&', \*STDOUT) or die "no standard output: $!";
open(STDOUT, '>&', \*STDERR) or die "no standard error: $!";    # what a handler prints is for the log
$wire->autoflush(1);
require IO::Handle;

my ($concurrency, $limit, $last) = (100, 64 * 1024 * 1024, 0);
my (%runs, %open, %asked);    # by name of the run; by id of the request; by id of what we have asked
my ($ready, $leaving, $left);    # after initialize; after shutdown, and its id

my %handlers = (
    echo    => sub { my ($run) = @_; complete($run, $run->{params}{task}{input}) },
    print   => sub { print "a line for the log\n"; complete($_[0], undef) },
    retry   => sub { finish($_[0], { outcome => 'retry', error => failure('Busy', 'again'), delay => 1.5 }) },
    give_up => sub { finish($_[0], { outcome => 'error', error => failure('Hopeless', 'never') }) },
    crash   => sub { die "something is wrong\n" },
    hang    => sub { },    # until it is cancelled
    report  => sub {
        my ($run) = @_;
        say_({ method => 'progress', params => { run => $run->{name}, done => 1, total => 2, note => 'half' } });
        complete($run, undef);
    },
    remember => sub { my ($run) = @_; run_once($run, 'once', sub { 42 }, sub { complete($run, $_[0]) }) },
    nap      => sub {
        my ($run) = @_;
        return complete($run, 'rested') if exists $run->{params}{saved}{'sleep:1'};
        finish($run, { outcome => 'wait', wait => { name => 'sleep:1', seconds => 60 } });
    },
    listen => sub {
        my ($run) = @_;
        my $heard = $run->{params}{saved}{'event:paid'};
        return finish($run, { outcome => 'wait', wait => { name => 'event:paid', event => 'paid', seconds => 60 } })
            unless $heard;
        return complete($run, $heard->{event}) if exists $heard->{event};
        finish($run, { outcome => 'error', error => failure('EventTimedOut', 'event paid did not come in time') });
    },
    parent => sub {
        my ($run) = @_;
        start_task($run, 'kid', 'kit/other', { a => 1 }, sub {
            my ($task) = @_;
            my $end = $run->{params}{saved}{'task:kid'};
            return finish($run, { outcome => 'wait', wait => { name => 'task:kid', task => $task } }) unless $end;
            return complete($run, $end->{result}) if ($end->{state} // '') =~ /^(complete|resolved_manually)$/;
            finish($run, { outcome => 'error', error => failure('TaskFailed', 'the child task did not complete') });
        });
    },
);

# What handlers call.

sub complete { my ($run, $result) = @_; finish($run, { outcome => 'complete', result => $result }) }

sub failure { my ($type, $message) = @_; return { type => $type, message => $message } }

sub finish {
    my ($run, $outcome) = @_;
    return unless delete $runs{ $run->{name} };
    delete $open{ $run->{key} };
    answer($run->{id}, $outcome);
    leave_when_done();
}

sub leave_when_done {
    return if !$leaving || %runs;
    answer($left, {});
    exit 0;
}

sub run_once {
    my ($run, $name, $function, $then) = @_;
    my $key = "run:$name";
    return $then->($run->{params}{saved}{$key}) if exists $run->{params}{saved}{$key};
    my $value = $function->();
    ask($run, 'checkpoint', { name => $key, value => $value }, sub {
        return $then->($value) if $_[0]{saved};
        finish($run, { outcome => 'retry', error => failure('LeaseLost', "$name was not saved") });
    });
}

sub start_task {
    my ($run, $name, $template, $input, $then) = @_;
    my $key = "start:$name";
    return $then->($run->{params}{saved}{$key}) if exists $run->{params}{saved}{$key};
    ask($run, 'start_task', { name => $name, template => $template, input => $input }, sub {
        return $then->($_[0]{task_id}) if defined $_[0]{task_id};
        finish($run, { outcome => 'retry', error => failure('LeaseLost', "$name was not started") });
    });
}

# The conversation.

sub say_ { my ($message) = @_; print {$wire} $json->encode({ jsonrpc => '2.0', %$message }), "\n" }

sub answer { my ($id, $result) = @_; say_({ id => $id, result => $result }) }

sub refuse { my ($id, $code, $message) = @_; say_({ id => $id, error => { code => $code, message => $message } }) }

sub ask {
    my ($run, $method, $params, $then) = @_;
    my $id = ++$last;
    $asked{$id} = { run => $run, then => $then };
    say_({ id => $id, method => $method, params => { run => $run->{name}, %$params } });
}

sub attempt {
    my ($run, $work) = @_;
    return if eval { $work->(); 1 };
    my $why = "$@";
    chomp $why;
    finish($run, { outcome => 'retry', error => failure('Died', $why) });
}

sub execute {
    my ($id, $params) = @_;
    for my $name (qw(run handler task step results saved)) {
        return refuse($id, -32602, "$name is missing") unless exists $params->{$name};
    }
    my $handler = $handlers{ $params->{handler} } or return refuse($id, -32601, "there is no handler $params->{handler}");
    return refuse($id, -32600, "run $params->{run} is open already") if $runs{ $params->{run} };
    return refuse($id, -32002, 'too many') if $leaving || keys %runs >= $concurrency;
    my $run = { id => $id, key => $json->encode($id), name => $params->{run}, params => $params };
    $runs{ $run->{name} } = $open{ $run->{key} } = $run;
    attempt($run, sub { $handler->($run) });
}

sub initialize {
    my ($id, $params) = @_;
    if (!grep { $_ eq '1.0' } @{ $params->{protocol} // [] }) {
        refuse($id, -32001, 'only protocol 1.0 is spoken here');
        exit 1;
    }
    $ready = 1;
    $limit = $params->{limits}{message_bytes} // $limit;
    answer($id, {
        protocol    => '1.0',
        concurrency => $concurrency,
        child       => { language => 'perl', version => sprintf('%vd', $^V) },
        handlers    => [map { { name => $_ } } sort keys %handlers],
    });
}

sub shut_down {
    my ($id, $params) = @_;
    ($leaving, $left) = (1, $id);
    alarm(int($params->{grace} // 0) || 1);    # what still runs then is stopped
    leave_when_done();
}

$SIG{ALRM} = sub { finish($_, { outcome => 'cancelled' }) for values %runs };

my %methods = (
    initialize => \&initialize,
    execute    => \&execute,
    ping       => sub { answer($_[0], {}) },
    shutdown   => \&shut_down,
);

sub take_answer {
    my ($message) = @_;
    my $asked = delete $asked{ $message->{id} // '' } or return;
    attempt($asked->{run}, sub {
        my $error = $message->{error};
        return finish($asked->{run}, { outcome => 'error', error => failure('Refused', $error->{message}) })
            if $error && $error->{code} == -32602;    # it can never be done
        die "$error->{message}\n" if $error;
        $asked->{then}->($message->{result});
    });
}

while (defined(my $line = <STDIN>)) {
    $line =~ s/[\r\n]+\z//;
    next if $line eq '';
    if (length($line) >= $limit) { refuse(undef, -32003, "a message has at most $limit bytes"); next }
    my $message = eval { $json->decode($line) };
    if ($@) { refuse(undef, -32700, 'this is no JSON'); next }
    if (ref $message ne 'HASH' || ($message->{jsonrpc} // '') ne '2.0'
        || !(defined $message->{method} || defined $message->{id} || $message->{error})) {
        refuse(undef, -32600, 'this is no message');
        next;
    }
    my ($id, $method, $params) = @$message{qw(id method params)};
    if (!defined $method) { take_answer($message) }
    elsif (!exists $message->{id}) {
        my $run = $method eq 'cancel' && $runs{ $params->{run} // '' };
        finish($run, { outcome => 'cancelled' }) if $run;
    }
    elsif ($open{ $json->encode($id) }) { refuse($id, -32600, 'this request is open already') }
    elsif (!!$ready == ($method eq 'initialize')) { refuse($id, -32600, 'initialize comes first, and once') }
    elsif (my $do = $methods{$method}) { $do->($id, $params) }
    else { refuse($id, -32601, "there is no method $method") }
}
