"""What chaos strikes: a server with its log on a small disk of its own, a proxy and a PgBouncer before it, processes.

Touches processes, folders and, where it may, mounts.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg.conninfo import make_conninfo
from tests.chaos.abroad import FILES, TEMPLATES
from tests.chaos.ledger import LEDGER, append
from tests.chaos.post import Clock, Post, find_faketime, make_clock
from tests.chaos.programs import WORKFLOWS
from tests.chaos.proxy import Proxy
from tests.fix_pgbouncer import PgBouncer, new_pgbouncer
from tests.fix_postgres import Server, new_server, remove_server, unprivileged_user

from tasker.languages import make_bridges
from tasker_sql.migrate import migrate

HERE = Path(__file__).parent
DATABASE = "chaos"
HOST = "host"
"""What the names of workers with bridge children begin with."""
WAL_DISK = 128  # MB
SETTINGS = {
    "fsync": "on",
    "max_wal_size": "24MB",
    "min_wal_size": "2MB",
    "wal_recycle": "off",  # each segment is a new file, so that a full disk is noticed at once
    "checkpoint_timeout": "30s",
    "recovery_init_sync_method": "syncfs",
}
EFFECT = """create table public.effect (
    task_id uuid not null, step_no integer not null, run text not null, attempt integer not null)"""


@dataclass
class Stage:
    folder: Path
    ledger: Path
    server: Server
    clock: Clock
    proxy: Proxy
    wal: Path | None
    """The small disk that the log is on; None where it could not be mounted."""
    pooler: PgBouncer | None
    posts: list[Post] = field(default_factory=list[Post])
    pooling: subprocess.Popen[bytes] | None = None
    ending: bool = False

    @property
    def url(self) -> str:
        """The database, directly."""
        return self.server.url(DATABASE)

    @property
    def routes(self) -> dict[str, str]:
        """The ways to the database, by name."""
        proxied = make_conninfo(
            host="127.0.0.1", port=self.proxy.port, dbname=DATABASE, user="postgres"
        )
        pooled = {} if self.pooler is None else {"pooler": self.pooler.url(DATABASE)}
        return {"direct": self.url, "proxy": proxied, **pooled}

    @property
    def missing(self) -> dict[str, str]:
        """Which faults cannot strike here, and why not."""
        lacks: dict[str, str] = {}
        if find_faketime() is None:
            why = "libfaketime is not installed"
            lacks |= {"move a worker's clock": why, "move the server's clock": why}
            lacks["move an orchestrator's clock"] = why
        if self.wal is None:
            lacks["fill the log's disk"] = "no disk may be mounted"
        if self.pooler is None:
            lacks["restart PgBouncer"] = "PgBouncer is not installed"
        return lacks

    def of(self, role: str) -> list[Post]:
        return [post for post in self.posts if post.role == role]

    @property
    def hosts(self) -> list[int | None]:
        """The processes of the workers that have bridge children."""
        return [post.pid for post in self.posts if post.name.startswith(HOST)]

    def choose(self, role: str, which: float) -> Post:
        """The post of a role that a number from 0 to 1 stands for."""
        of_it = self.of(role)
        return of_it[int(which * len(of_it))]

    def say(self, event: str, **facts: Any) -> None:
        append(self.ledger, event, **facts)

    def add(self, role: str, name: str, *command: str) -> Post:
        post = Post(
            self.folder, self.ledger, role, name, [sys.executable, *command],
            {LEDGER: str(self.ledger)},
        )  # fmt: skip
        self.posts.append(post)
        post.start()
        return post

    def start_pooler(self) -> None:
        if self.pooler is not None:
            self.pooling = self.pooler.start()

    def stop_pooler(self) -> None:
        ended, self.pooling = self.pooling, None
        if ended is not None:
            ended.kill()
            ended.wait()

    def is_up(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=5, autocommit=True) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def bring_up(self, patience: float = 180) -> None:
        """Have the server running again, whether it died, is on its way, or never went.

        How long it replays its log is up to the disk and to whatever else the machine does; that is not what is judged.
        """
        deadline = time.monotonic() + patience
        while not self.is_up():
            if not is_running(self.server):
                try:
                    self.server.start(**SETTINGS)
                except AssertionError:
                    if time.monotonic() > deadline:
                        raise
            assert time.monotonic() < deadline, self.server.log.read_text()[-4000:]
            time.sleep(0.02)


def is_running(server: Server) -> bool:
    """Whether its postmaster lives."""
    try:
        pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
        return False
    return True


@asynccontextmanager
async def staging(folder: Path, ledger: Path, seed: int, rate: float) -> AsyncIterator[Stage]:
    """Everything, up and running; ended and removed again, but for the folder.

    Raises DiscoveryError where Ruby or Node is missing, which says what to install.
    """
    make_bridges(FILES, (), worker="", grace=0)
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        make_reachable(folder)
        clock = make_clock(folder, "server")
        wal = stack.enter_context(small_disk(folder / "wal"))
        server = new_server(18, environment=clock.environment, wal=wal)
        stack.callback(remove_server, server)
        stack.callback(lambda: shutil.copy(server.log, folder / "server.log"))
        await asyncio.to_thread(server.start, **SETTINGS)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}")  # pyright: ignore[reportArgumentType]
        with psycopg.connect(server.url(DATABASE), autocommit=True) as connection:
            migrate(connection)
            connection.execute(EFFECT)
            for each in (*(workflow.template for workflow in WORKFLOWS), *TEMPLATES):
                connection.execute(
                    "select tasker.register_template(%s::jsonb)",
                    [orjson.dumps(each.to_json()).decode()],
                )
        proxy = Proxy(server.folder / ".s.PGSQL.5432")
        await stack.enter_async_context(proxy.serving())
        # Whom it could not let in, it lets try again after 15 seconds by default.
        pooler = new_pgbouncer(
            str(server.folder),
            default_pool_size="60",
            server_login_retry="1",
            max_client_conn="300",
        )
        stage = Stage(folder, ledger, server, clock, proxy, wal, pooler)
        stage.start_pooler()
        stack.callback(lambda: pooler and shutil.rmtree(pooler.folder, ignore_errors=True))
        stack.callback(stage.stop_pooler)
        stack.callback(lambda: [post.remove() for post in stage.posts])
        man(stage, seed, rate)
        yield stage


def man(stage: Stage, seed: int, rate: float) -> None:
    """Put a process to each post: two of the workers have bridge children."""
    routes = stage.routes
    pooled = routes.get("pooler", routes["proxy"])
    for place, url in enumerate((routes["direct"], routes["proxy"])):
        stage.add("worker", f"worker-{place}", str(HERE / "worker.py"), url)
    for place, url in enumerate((routes["proxy"], pooled)):
        stage.add("worker", f"{HOST}-{place}", str(HERE / "worker.py"), url, *FILES)
    for place, url in enumerate((routes["proxy"], pooled)):
        stage.add(
            "orchestrator",
            f"orchestrator-{place}",
            "-m",
            "tasker.cli",
            "orchestrator",
            "--url",
            url,
        )
    stage.add("client", "client", str(HERE / "client.py"), routes["proxy"], str(seed), str(rate))


@contextmanager
def small_disk(at: Path) -> Iterator[Path | None]:
    """A disk of a few megabytes for the server's log, or None where this process may not mount one."""
    at.mkdir(exist_ok=True)
    user = unprivileged_user()
    owner = "" if user is None else f",uid={pwd.getpwnam(user).pw_uid},mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", f"size={WAL_DISK}m{owner}", "tasker-chaos", str(at)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=False)


def make_reachable(folder: Path) -> None:
    """Let the server's user read what lies in the folder, whoever made it."""
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.geteuid() and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o011)
