#!/bin/sh
# The tests run on PostgreSQL 15 and behind PgBouncer as Debian packages them (16 and 18 come in a wheel), handlers in Debian's
# Ruby and Go, and chaos moves clocks with libfaketime. As root they are installed when missing; otherwise the tests that need
# them say what to install.
set -eu

missing=""
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing="$missing postgresql-15"
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
ruby -e 'exit RUBY_VERSION.to_f >= 3.1' 2>/dev/null || missing="$missing ruby"
ruby -e 'require "minitest"; require "rbs"' 2>/dev/null || missing="$missing ruby-minitest"
go version >/dev/null 2>&1 || missing="$missing golang-go"
ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || missing="$missing libfaketime"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "some tests will fail: please install$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# Only the programs are wanted: no cluster is made and no service is started by the installation.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
