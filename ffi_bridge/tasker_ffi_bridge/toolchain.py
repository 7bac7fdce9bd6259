"""What the languages have in common: where their libraries are, and which version a program is. Starts the program."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from pathlib import Path

__all__ = ["find_sources", "read_version"]

_ANSWERS_WITHIN = 10.0  # seconds


def find_sources(language: str) -> Path:
    """The folder of a language's library: beside this package in a checkout, in it when it is installed."""
    here = Path(__file__).resolve().parent
    installed = here / language
    return installed if installed.is_dir() else here.parent / language


def read_version(program: str, before: str) -> tuple[int, int] | None:
    """Major and minor version, as `program --version` says behind `before`; None when it does not say it, or hangs."""
    try:
        process = subprocess.Popen(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # so that what it starts ends with it
        )
    except OSError:
        return None
    # A timer, because the limit of subprocess sleeps and looks, which fails where the clock is not the machine's.
    limit = threading.Timer(_ANSWERS_WITHIN, os.killpg, (process.pid, signal.SIGKILL))
    limit.start()
    said, _ = process.communicate()
    limit.cancel()
    if process.returncode != 0:
        return None
    found = re.match(rf"{re.escape(before)}(\d+)\.(\d+)", said)
    return None if found is None else (int(found[1]), int(found[2]))
