"""Keeping processes running while their source changes: start, watch the files, restart, and stop
in good order.

Files are watched by looking at their modification times: it needs nothing installed and works on
every file system.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WATCHED = frozenset({".py", ".yaml", ".yml", ".rb", ".ts", ".mts", ".js", ".mjs"})
IGNORED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
# Between two looks at the files and at the processes, in seconds.
LOOK_EVERY = 0.4
GRACE = 15.0

Say = Callable[[str], None]
Snapshot = Mapping[Path, int]


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running: its name, its command, and the folders whose changes restart it.

    `environment` is added to that of this process; `grace` is how long it may take to stop before
    it is killed, in seconds.
    """

    name: str
    command: Sequence[str]
    watched: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    grace: float = GRACE


def tasker_command(*arguments: str) -> list[str]:
    """Give the command that runs this very tasker in a process of its own."""
    return [sys.executable, "-m", "tasker.cli", *arguments]


def take_snapshot(folders: Iterable[Path]) -> Snapshot:
    """Note when each source file in the folders, and below, was last changed (nanoseconds)."""
    found: dict[Path, int] = {}
    for folder in folders:
        for path in _list_sources(folder):
            try:
                found[path] = path.stat().st_mtime_ns
            except OSError:
                continue  # gone between listing and looking
    return found


def find_changed(before: Snapshot, after: Snapshot) -> list[Path]:
    """Give the files that were added, removed or changed between two snapshots."""
    return sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def run_programs(programs: Sequence[Program], stop: threading.Event, say: Say) -> int:
    """Run programs until told to stop or one that watches nothing ends; restart those whose files
    change.

    A program that watches files and ends by itself waits for the next change: the user is about to
    mend it. Gives the exit status: 0 when told to stop, else that of the program that ended.
    """
    running = [_Running(program) for program in programs]
    try:
        while not stop.wait(LOOK_EVERY):
            for each in running:
                each.restart_if_changed(say)
                status = each.note_end(say)
                if status is not None and not each.program.watched:
                    return status or 1
        return 0
    finally:
        longest = max((program.grace for program in programs), default=GRACE)
        stop_processes([each.process for each in running], longest)


def stop_processes(processes: Sequence["subprocess.Popen[bytes]"], grace: float = GRACE) -> None:
    """Ask processes to stop (SIGTERM), wait up to `grace` seconds for all of them together, and
    kill what is left.
    """
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + grace
    for process in alive:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def stop_on_signals() -> Generator[threading.Event]:
    """Give an event that is set by SIGTERM and SIGINT, instead of what they do otherwise."""
    stop = threading.Event()

    def set_stop(signum: int, frame: object) -> None:
        stop.set()

    before = {which: signal.signal(which, set_stop) for which in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


class _Running:
    """A program's process, with the snapshot of its files from when it was started."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._snapshot = take_snapshot(program.watched)
        self._ended = False
        self.process = self._start()

    def restart_if_changed(self, say: Say) -> None:
        snapshot = take_snapshot(self.program.watched)
        changed = find_changed(self._snapshot, snapshot)
        if not changed:
            return
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        say(f"{self.program.name}: {changed[0].name}{more} changed, restarting")
        self._snapshot = snapshot
        stop_processes([self.process], self.program.grace)
        self.process, self._ended = self._start(), False

    def note_end(self, say: Say) -> int | None:
        """Give the exit status of a process that has ended by itself, once telling so."""
        status = self.process.poll()
        if status is not None and not self._ended:
            self._ended = True
            hope = "; it starts again when a file changes" if self.program.watched else ""
            say(f"{self.program.name}: ended with status {status}{hope}")
        return status

    def _start(self) -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C reaches only this process, which then stops the others in
        # good order.
        return subprocess.Popen(
            list(self.program.command),
            env={**os.environ, **self.program.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def _list_sources(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for at, folders, files in os.walk(folder):
        folders[:] = [
            name for name in folders if name not in IGNORED_FOLDERS and not name.startswith(".")
        ]
        yield from (Path(at, name) for name in files if Path(name).suffix in WATCHED)
