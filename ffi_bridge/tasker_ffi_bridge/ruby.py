"""Where Ruby is, and how it runs handlers. Starts `ruby --version`, and reads where packages are."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tasker_ffi_bridge.bridge import BridgeError

__all__ = ["find_library", "find_ruby", "ruby_command"]

_OLDEST = (3, 1)


def find_ruby() -> Path:
    """The machine's Ruby. Raises BridgeError when it is missing or too old, which says what to install."""
    own = shutil.which("ruby")
    oldest = ".".join(map(str, _OLDEST))
    if own is None:
        raise BridgeError(
            f"handlers in Ruby need Ruby {oldest} or newer, and none is here. On Debian: apt-get install ruby"
        )
    version = _read_version(own)
    if version is None or version < _OLDEST:
        raise BridgeError(f"handlers in Ruby need Ruby {oldest} or newer, and {own} is older")
    return Path(own)


def find_library() -> Path:
    """The folder with the Ruby library: its sources are in `lib`."""
    here = Path(__file__).resolve().parent
    installed = here / "ruby"
    return installed if installed.is_dir() else here.parent / "ruby"


def ruby_command(files: Sequence[str | Path], *, concurrency: int | None = None) -> list[str]:
    """The command that serves the handlers in `files`, of which `concurrency` (10) run at once at most.

    Raises BridgeError as `find_ruby`.
    """
    # Behind the files: before them it would be an option of Ruby's own.
    most = [] if concurrency is None else ["--concurrency", str(concurrency)]
    library = str(find_library() / "lib")
    return [str(find_ruby()), "-I", library, "-r", "tasker/main", *map(str, files), *most]


def _read_version(ruby: str) -> tuple[int, ...] | None:
    said = subprocess.run([ruby, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"ruby (\d+)\.(\d+)", said.stdout)
    return None if found is None else (int(found[1]), int(found[2]))
