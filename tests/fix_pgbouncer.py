"""A real PgBouncer in transaction mode before a test's database."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.fix_postgres import unprivileged_user

PORT = 6432


@dataclass(frozen=True)
class PgBouncer:
    """What it takes to start one, any number of times: its configuration stands in `folder`, and its socket."""

    program: str
    folder: Path
    user: str | None

    def url(self, database: str) -> str:
        return make_conninfo(host=str(self.folder), port=PORT, dbname=database, user="postgres")

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            command = [self.program, str(self.folder / "pgbouncer.ini")]
            return subprocess.Popen(command, user=self.user, stdout=log, stderr=log, cwd="/")


def new_pgbouncer(host: str, **settings: str) -> PgBouncer | None:
    """One before all databases of a server, not started yet; None where the program is missing."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="tasker-pgbouncer-"))
    user = unprivileged_user()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    options = {
        "listen_addr": "",
        "listen_port": str(PORT),
        "unix_socket_dir": str(folder),
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": "5",
        "max_client_conn": "100",
        "ignore_startup_parameters": "extra_float_digits",
    }
    lines = [f"{name} = {value}" for name, value in (options | settings).items()]
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        "\n".join([f"[databases]\n* = host={host} user=postgres\n[pgbouncer]", *lines, ""])
    )
    configuration.chmod(0o644)
    return PgBouncer(program, folder, user)


@pytest.fixture
def pgbouncer(database: str) -> Iterator[str]:
    """The URL of `database`, through PgBouncer."""
    target = conninfo_to_dict(database)
    made = new_pgbouncer(str(target["host"]))
    if made is None:
        pytest.fail("PgBouncer is missing: as root, apt-get install pgbouncer")
    url = made.url(str(target["dbname"]))
    process = made.start()
    try:
        wait_for(url, process, made.folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(made.folder, ignore_errors=True)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """PgBouncer gives no sign that it is ready but that it answers."""
    while True:
        try:
            psycopg.connect(url, connect_timeout=5, prepare_threshold=None).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
