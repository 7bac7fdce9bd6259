"""Where Ruby is, and how it runs handlers. Starts `ruby --version`, and reads where packages are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tasker_ffi_bridge.bridge import BridgeError
from tasker_ffi_bridge.toolchain import find_sources, read_version

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
    version = read_version(own, "ruby ")
    if version is None or version < _OLDEST:
        found = "does not tell its version" if version is None else "is older"
        raise BridgeError(f"handlers in Ruby need Ruby {oldest} or newer, and {own} {found}")
    return Path(own)


def find_library() -> Path:
    """The folder with the Ruby library: its sources are in `lib`."""
    return find_sources("ruby")


def ruby_command(files: Sequence[str | Path], *, concurrency: int | None = None) -> list[str]:
    """The command that serves the handlers in `files`, of which `concurrency` (10) run at once at most.

    Raises BridgeError as `find_ruby`.
    """
    # Behind the files: before them it would be an option of Ruby's own.
    most = [] if concurrency is None else ["--concurrency", str(concurrency)]
    library = str(find_library() / "lib")
    return [str(find_ruby()), "-I", library, "-r", "tasker/main", *map(str, files), *most]
