"""Generated files: what is in them, what of it is on the disk already, and what is to be written. Writes below a
folder.

A file is either generated whole, and written again whenever it is not what the template says, or begun for somebody to
go on with: that one is written once and never again.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import orjson

from tasker.errors import GenerateError
from tasker.generate.naming import one_line
from tasker.generate.plan import Plan, contract
from tasker.template import Template

__all__ = ["Change", "Generated", "Piece", "compare", "fingerprint", "header", "write"]

_BY = "tasker generate; do not edit."
_CONTRACT = re.compile(r"^(?:#|//)   (.+) ([0-9a-f]{8})$", re.MULTILINE)

State = Literal["new", "changed", "same", "kept", "lacking"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that a begun file must have, such as a handler: its name, its code, and words of which one is there
    when it is, however it was changed since.
    """

    name: str
    code: str
    marks: tuple[str, ...]

    def stands_in(self, text: str) -> bool:
        """Whether a file has it."""
        return any(re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", text) for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Generated:
    """A file, by its path below the folder that is generated into.

    `pieces`: of a file that is begun for somebody to go on with, what it must have; None of one that is generated
    whole.
    """

    path: PurePosixPath
    text: str
    pieces: tuple[Piece, ...] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a file. `lacking`: the pieces that a begun file does not have, to be put in by hand."""

    file: Generated
    state: State
    lacking: tuple[Piece, ...] = ()
    contracts: tuple[str, ...] = ()
    """Of a file of types that has changed: the handlers whose contract did."""
    gone: tuple[str, ...] = ()
    """Of a file of types that has changed: the handlers that the template had, and has no more."""

    @property
    def out_of_date(self) -> bool:
        """Whether the file on the disk is not what the template says."""
        return self.state in ("new", "changed", "lacking")


def compare(files: Iterable[Generated], folder: Path) -> list[Change]:
    """What would become of each file in a folder. Raises GenerateError where a file cannot be read."""
    return [_compare(file, folder / file.path) for file in files]


def write(changes: Sequence[Change], folder: Path) -> None:
    """Write the files that are new, and those that are generated whole and have changed. Raises GenerateError."""
    for change in changes:
        if change.state in ("new", "changed"):
            put = _put if change.file.pieces is None else _begin
            put(folder / change.file.path, change.file.text)


def fingerprint(template: Template) -> str:
    """Tells whether code was generated from this template, to the letter."""
    data = orjson.dumps(template.to_json(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(data).hexdigest()[:16]


def header(plan: Plan, source: str, comment: str, *, contracts: bool = False) -> str:
    """The first lines of a file that is generated whole; with the contracts of its handlers, by which changes are
    found.
    """
    template = plan.template
    lines = [
        f"Generated from {one_line(source)} by {_BY}",
        f"Template {template.namespace}/{template.name}@{template.version}, {fingerprint(template)}.",
    ]
    if contracts:
        lines.append("Contracts of the handlers:")
        lines += [f"  {one_line(each.handler)} {contract(plan, each)}" for each in plan.handlers]
    return "".join(f"{comment} {line}\n" for line in lines)


def _compare(file: Generated, path: Path) -> Change:
    try:
        there = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return Change(file, "new")
    except (OSError, UnicodeDecodeError) as error:
        raise GenerateError(f"{path} is there, and cannot be read: {error}") from error
    if file.pieces is not None:
        lacking = tuple(piece for piece in file.pieces if not piece.stands_in(there))
        return Change(file, "lacking" if lacking else "kept", lacking)
    if there == file.text:
        return Change(file, "same")
    if _BY not in there[:2000]:
        raise GenerateError(
            f"{path} is there, and was not generated. Move it away, or generate into another folder with --out"
        )
    before, now = _read_contracts(there), _read_contracts(file.text)
    changed = [name for name, digest in now.items() if before.get(name, digest) != digest]
    gone = tuple(name for name in before if now and name not in now)
    return Change(file, "changed", contracts=tuple(changed), gone=gone)


def _read_contracts(text: str) -> dict[str, str]:
    return dict(_CONTRACT.findall(text.partition("\n\n\n")[0]))


def _begin(path: Path, text: str) -> None:
    """Write a file that is somebody's from then on: never over one that came to be since it was looked for."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb", buffering=0) as out:
            out.write(text.encode())
    except FileExistsError:
        raise GenerateError(f"{path} has just come to be. Generate once more") from None
    except OSError as error:
        raise GenerateError(f"{path} cannot be written: {error.strerror}") from error


def _put(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside it and then in its place, so that nobody reads half of it.
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        Path(beside).chmod(0o666 & ~_read_umask())
        Path(beside).replace(path)
    except OSError as error:
        raise GenerateError(f"{path} cannot be written: {error.strerror}") from error


def _read_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
