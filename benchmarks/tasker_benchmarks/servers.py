"""PostgreSQL servers for benchmarks. Touches processes and files."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tasker.embedded import start_server

__all__ = ["counting_server", "own_server"]

_DEBIAN = Path("/usr/lib/postgresql/15/bin")


def own_server() -> str:
    """Start the server that comes with Tasker, with Tasker's settings, in a folder of its own; its URL.

    It is stopped when this process ends.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tasker-benchmarks"
    return start_server(home)


@contextmanager
def counting_server() -> Generator[str | None]:
    """A PostgreSQL 15 of Debian's with pg_stat_statements, which the server in the wheel lacks; None if there is none.

    To count statements by, not to take times: counting costs.
    """
    if not (_DEBIAN / "postgres").exists():
        yield None
        return
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="tasker-bench-") as folder:
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        data = f"{folder}/data"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": folder,
            "shared_preload_libraries": "pg_stat_statements",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [str(_DEBIAN / program), "-D", data, *arguments],
                user=user,
                cwd="/",
                check=True,
                stdout=subprocess.DEVNULL,
            )

        run("initdb", "-U", "postgres", "--no-sync")
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield make_conninfo(host=folder, dbname="postgres", user="postgres")
        finally:
            run("pg_ctl", "-w", "-m", "fast", "stop")
            shutil.rmtree(data, ignore_errors=True)
