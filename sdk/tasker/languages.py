"""Which files and commands hold handlers in other languages, and the bridges that run them. Starts no child."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from tasker.discovery import BadCommand, DiscoveryError, NoProgram
from tasker_ffi_bridge import Bridge, BridgeError
from tasker_ffi_bridge.node import typescript_command
from tasker_ffi_bridge.ruby import ruby_command

__all__ = ["find_file", "is_foreign", "make_bridges"]


class Command(Protocol):
    """Makes the command that serves files of handlers, so many runs at once at most."""

    def __call__(self, files: Sequence[str], *, concurrency: int | None) -> list[str]: ...


_LANGUAGES: dict[str, tuple[frozenset[str], Command]] = {
    "ruby": (frozenset({".rb"}), ruby_command),
    "typescript": (frozenset({".ts", ".mts", ".js", ".mjs"}), typescript_command),
}


def is_foreign(given: str) -> bool:
    """Whether what a worker is given is a file of handlers in another language.

    Raises DiscoveryError for a file in a language that a worker does not start by itself.
    """
    path = Path(given)
    if any(path.suffix in suffixes for suffixes, _ in _LANGUAGES.values()):
        return True
    if path.suffix not in ("", ".py") and path.is_file():
        raise DiscoveryError(
            f"{given} is no file of Python, Ruby or TypeScript. For other languages use --exec with"
            f' the command that starts it, as in --exec "COMMAND {given}"'
        )
    return False


def make_bridges(
    files: Iterable[str],
    commands: Iterable[str],
    *,
    worker: str,
    grace: float,
    concurrency: int | None = None,
) -> list[Bridge]:
    """A bridge for each language among the files, and one for each command.

    `concurrency`: how many runs the child of each language takes at once, from 1 to 1,000; else what it says itself.
    Raises DiscoveryError for a file that is not there, and a language whose program is missing; BadCommand for a
    command that is empty or cannot be read, and NoProgram for one whose program is not there.
    """
    given = list(files)
    bridges: list[Bridge] = []
    for language, (suffixes, make_command) in _LANGUAGES.items():
        own = [file for file in given if Path(file).suffix in suffixes]
        if own:
            try:
                command = make_command([find_file(file) for file in own], concurrency=concurrency)
            except BridgeError as error:
                raise DiscoveryError(str(error)) from None
            origin = ", ".join(own)
            bridges.append(
                Bridge(command, name=language, origin=origin, worker=worker, grace=grace)
            )
    for text in commands:
        words = _split(text)
        name = Path(words[0]).name
        bridges.append(Bridge(words, name=name, origin=text, worker=worker, grace=grace))
    return bridges


def find_file(file: str) -> str:
    """The whole path of a file of handlers. Raises DiscoveryError when it is not there."""
    path = Path(file).resolve()
    if not path.is_file():
        raise DiscoveryError(f"there is no file {file}")
    return str(path)


def _split(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadCommand(f"the command {text!r} cannot be read: {error}") from None
    if not words:
        raise BadCommand("a command with handlers is empty")
    if shutil.which(words[0]) is None:
        raise NoProgram(f"there is no program {words[0]} that can be run")
    return words
