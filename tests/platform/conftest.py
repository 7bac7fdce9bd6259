"""Processes that use an embedded PostgreSQL in a folder of the test's own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil
import psycopg
import pytest

PROGRAM = """
import sys
from tasker.database import find_database
print(find_database().conninfo, flush=True)
sys.stdin.read()
"""


def as_user(user: str | None) -> list[str]:
    """The beginning of a command that runs as a user (None: as ours), who may read, but not write, whatever we may.

    Python and its packages may lie where only we may read them.
    """
    if user is None:
        # Root, too, is less than root in most containers: it may not look into other users' processes.
        return ["setpriv", "--bounding-set=-sys_ptrace"] if os.geteuid() == 0 else []
    readers = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={pwd.getpwnam(user).pw_gid}",
        "--clear-groups",
        *readers,
    ]


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool]) -> None:
    """Wait for the end of what is no child of ours."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass
class Home:
    """A TASKER_HOME and the processes in it, which run as `user` (None: as ours)."""

    folder: Path
    user: str | None = None
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "postgres18"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TASKER_", "XDG_"))}
        return {**kept, "TASKER_HOME": str(self.folder), "HOME": str(self.folder), "COLUMNS": "200"}

    def popen(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*as_user(self.user), sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd="/",
        )
        self.processes.append(process)
        return process

    def use(self) -> User:
        """Start a process that uses the embedded server until it is told to leave."""
        process = self.popen("-c", PROGRAM)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate()[1]
        return User(process, url)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command of `tasker`; its exit code and what it said."""
        process = self.popen("-m", "tasker.cli", *arguments)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def postmaster(self) -> psutil.Process | None:
        """The server's process, if it runs."""
        file = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(file.read_text().split()[0]))
        except (FileNotFoundError, IndexError, psutil.NoSuchProcess):
            return None
        return process if process.name() == "postgres" and runs(process) else None

    def kill_server(self) -> None:
        """As the kernel does it when memory is short, to all of the server's processes."""
        postmaster = self.postmaster()
        assert postmaster is not None
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            process.kill()
        until(lambda: not any(map(runs, family)))


@dataclass(frozen=True)
class User:
    """A process that uses the embedded server."""

    process: subprocess.Popen[str]
    url: str

    def ask(self, query: str) -> object:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(cast(Any, query)).fetchone()
            return row[0] if row else None

    def leave(self) -> str:
        """End in good order; what it complained of."""
        err = self.process.communicate(timeout=120)[1]
        assert self.process.returncode == 0, err
        return err

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def make_home() -> Iterator[Callable[..., Home]]:
    made: list[Home] = []

    def make(user: str | None = None) -> Home:
        folder = Path(tempfile.mkdtemp(prefix="tasker-home-"))  # short, for the socket's path
        folder.chmod(0o755)
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        made.append(Home(folder, user))
        return made[-1]

    yield make
    for home in made:
        for process in home.processes:
            process.kill()
            process.communicate()
        if home.postmaster() is not None:
            home.kill_server()
        shutil.rmtree(home.folder, ignore_errors=True)


@pytest.fixture
def home(make_home: Callable[..., Home]) -> Home:
    """An empty home."""
    return make_home()
