"""What the languages have in common: where their libraries are, and which version a program is. Starts the program."""

from __future__ import annotations

import re
import subprocess
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
        said = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_ANSWERS_WITHIN,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(rf"{re.escape(before)}(\d+)\.(\d+)", said)
    return None if found is None else (int(found[1]), int(found[2]))
