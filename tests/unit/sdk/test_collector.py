"""The collector of a process that runs workers."""

import subprocess
import sys

PROGRAM = """
import gc
from tasker.collector import spare_collector
before = gc.get_threshold()
spare_collector()
assert gc.get_freeze_count() > 1_000, gc.get_freeze_count()
assert gc.isenabled()
young, *older = gc.get_threshold()
assert young > before[0] and tuple(older) == before[1:], gc.get_threshold()
"""


def test_it_looks_less_often_at_less_and_is_not_off() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
