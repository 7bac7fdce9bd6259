"""A real PgBouncer in transaction mode before a test's database."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.fix_postgres import unprivileged_user

PORT = 6432


@pytest.fixture
def pgbouncer(database: str) -> Iterator[str]:
    """The URL of `database`, through PgBouncer."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.fail("PgBouncer is missing: as root, apt-get install pgbouncer")
    target = conninfo_to_dict(database)
    folder = Path(tempfile.mkdtemp(prefix="tasker-pgbouncer-"))
    user = unprivileged_user()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"""[databases]
* = host={target["host"]} user=postgres
[pgbouncer]
listen_addr =
listen_port = {PORT}
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
default_pool_size = 5
max_client_conn = 100
ignore_startup_parameters = extra_float_digits
"""
    )
    configuration.chmod(0o644)
    url = make_conninfo(host=str(folder), port=PORT, dbname=target["dbname"], user="postgres")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(configuration)], user=user, stdout=log, stderr=log, cwd="/"
        )
    try:
        wait_for(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """PgBouncer gives no sign that it is ready but that it answers."""
    while True:
        try:
            psycopg.connect(url, connect_timeout=5, prepare_threshold=None).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
