"""Real processes, and waiting only for what they do."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tasker.cli.supervise import Program, find_changed, run_programs, stop_processes, take_snapshot

LIVES = "import sys, time; open(sys.argv[1], 'a').write('started\\n'); time.sleep(600)"
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(600)"
)


def wait_until(what, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def touch(path: Path, text: str) -> None:
    path.write_text(text)
    later = path.stat().st_mtime_ns + 5_000_000_000
    os.utime(path, ns=(later, later))


def test_changes_are_found_in_sources_only(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text("1")
    (tmp_path / "t.yaml").write_text("1")
    before = take_snapshot([tmp_path])
    assert set(before) == {tmp_path / "pkg" / "a.py", tmp_path / "t.yaml"}

    for ignored in (".git", "__pycache__", "node_modules"):
        (tmp_path / ignored).mkdir()
        (tmp_path / ignored / "x.py").write_text("1")
    (tmp_path / "notes.txt").write_text("1")
    assert find_changed(before, take_snapshot([tmp_path])) == []

    touch(tmp_path / "t.yaml", "2")
    (tmp_path / "new.py").write_text("1")
    (tmp_path / "pkg" / "a.py").unlink()
    changed = find_changed(before, take_snapshot([tmp_path]))
    assert [path.name for path in changed] == ["new.py", "a.py", "t.yaml"]


@pytest.fixture
def run_in_thread():
    """Run programs beside the test; give what was said and the thread with its result."""
    started = []

    def run(*programs):
        stop, said, statuses = threading.Event(), [], []
        thread = threading.Thread(
            target=lambda: statuses.append(run_programs(programs, stop, said.append))
        )
        thread.start()
        started.append((stop, thread))
        return stop, said, statuses, thread

    yield run
    for stop, thread in started:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_a_program_is_started_again_when_a_file_changes_and_stopped_at_the_end(
    tmp_path, run_in_thread
):
    source, log = tmp_path / "handlers.py", tmp_path / "log"
    source.write_text("1")
    command = [sys.executable, "-c", LIVES, str(log)]
    stop, said, statuses, thread = run_in_thread(Program("worker", command, [tmp_path]))
    wait_until(lambda: log.exists() and log.read_text().count("started") == 1)
    touch(source, "2")
    wait_until(lambda: log.read_text().count("started") == 2)
    assert said == ["worker: handlers.py changed, restarting"]
    stop.set()
    thread.join(30)
    assert statuses == [0]


def test_a_broken_program_waits_for_its_file_to_be_mended(tmp_path, run_in_thread):
    source, log = tmp_path / "handlers.py", tmp_path / "log"
    source.write_text("raise SystemExit(3)")
    command = [sys.executable, str(source)]
    _, said, statuses, _ = run_in_thread(Program("worker", command, [tmp_path]))
    wait_until(lambda: said)
    assert said == ["worker: ended with status 3; it starts again when a file changes"]
    touch(source, f"open({str(log)!r}, 'w').close(); import time; time.sleep(600)")
    wait_until(log.exists)
    assert statuses == []


def test_when_a_program_that_watches_nothing_ends_all_end_with_its_status(tmp_path, run_in_thread):
    log = tmp_path / "log"
    ends = f"import os, time\nwhile not os.path.exists({str(log)!r}): time.sleep(0.02)\nexit(7)"
    _, said, statuses, thread = run_in_thread(
        Program("orchestrator", [sys.executable, "-c", ends]),
        Program("worker", [sys.executable, "-c", LIVES, str(log)], [tmp_path]),
    )
    thread.join(30)
    assert statuses == [7]
    assert said == ["orchestrator: ended with status 7"]


def test_a_process_that_does_not_stop_is_killed():
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    stop_processes([process], grace=0.2)
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
