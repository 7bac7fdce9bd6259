"""What `from tasker import ...` offers."""

from __future__ import annotations

import subprocess
import sys

import tasker


def test_what_is_exported_is_there_and_sorted() -> None:
    assert list(tasker.__all__) == sorted(tasker.__all__)
    assert all(hasattr(tasker, name) for name in tasker.__all__)


def test_what_a_workflow_needs_is_exported() -> None:
    needed = {"Retry", "StepContext", "StepHandler", "Workflow", "handler", "load_templates"}
    assert needed <= set(tasker.__all__)


def test_every_error_that_a_program_may_catch_is_exported() -> None:
    from tasker import errors

    caught = {name for name in errors.__all__ if issubclass(getattr(errors, name), Exception)}
    assert caught - set(tasker.__all__) <= {"RequestError"}


def test_importing_sets_no_log_handlers_and_reads_no_environment() -> None:
    program = """
import logging, os

class Watched(dict):
    def __getitem__(self, key):
        if key.startswith("TASKER"):
            raise SystemExit(f"read {key}")
        return super().__getitem__(key)

    def get(self, key, default=None):
        if key.startswith("TASKER"):
            raise SystemExit(f"read {key}")
        return super().get(key, default)

os.environ = Watched(os.environ)
import tasker

named = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
assert not logging.root.handlers, logging.root.handlers
assert not [one for one in named if one.name.startswith("tasker") and one.handlers]
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
