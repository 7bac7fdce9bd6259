"""New projects, from the files in `projects/`. Writes folders; runs nothing."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

__all__ = ["PLACEHOLDER", "Language", "find_project_fault", "make_project", "read_sources_of"]

PLACEHOLDER = "project_name"
"""What the files call their project: a name that is good everywhere, so that they are checked and run as they are."""

_SOURCES = Path(__file__).parent / "projects"
# Beside a workflow in YAML, which names it in its first line, so that editors check and complete it.
_SCHEMA = Path(__file__).parent / "schema" / "template.json"
SCHEMA_NAME = "template.schema.json"
# What a namespace, a queue and a package of each language may be called.
_NAME = re.compile(r"[a-z]([a-z0-9_-]{0,27}[a-z0-9])?")
_LEFT_BEHIND = frozenset({"__pycache__", ".pytest_cache", "node_modules"})


class Language(StrEnum):
    """What handlers are written in."""

    python = "python"
    ruby = "ruby"
    typescript = "typescript"


def find_project_fault(name: str) -> str | None:
    """Why `name` cannot name a project, which is also its namespace and its package."""
    if _NAME.fullmatch(name):
        return None
    return (
        "must be a lower-case letter and then at most 28 of a-z, 0-9, underscore and hyphen,"
        " the last of them a letter or a digit"
    )


def make_project(folder: Path, language: Language) -> list[Path]:
    """Make a project named like its folder: all of it, or nothing. Returns its files, relative to the folder.

    Raises FileExistsError when there is anything but an empty folder, and any other OSError when it cannot be written.
    """
    # Beside it, so that it is put in its place by one rename, which refuses a folder that is not empty.
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        written = [_write(source, made, folder.name) for source in _list(_SOURCES / language)]
        made.chmod(0o777 & ~_read_umask())
        _put(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return sorted(path.relative_to(made) for path in written)


def read_sources_of(language: Language) -> Iterator[tuple[Path, str]]:
    """The files that a project is made of, each by where it is to be in the folder; PLACEHOLDER stands for its name."""
    for path, within in _list(_SOURCES / language):
        yield within, path.read_text("utf-8")


def _list(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The files of a project, each with where it is to be in the folder."""
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if path.is_file() and not _LEFT_BEHIND.intersection(within.parts):
            # Under its own name it would hide files of this package from git and from the wheel.
            yield path, within.with_name(".gitignore") if path.name == "gitignore" else within
            if path.suffix == ".yaml":
                yield _SCHEMA, within.with_name(SCHEMA_NAME)


def _write(source: tuple[Path, Path], folder: Path, name: str) -> Path:
    path, within = source
    target = folder / within
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(path.read_text("utf-8").replace(PLACEHOLDER, name), "utf-8")
    return target


def _put(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError as error:
        if folder.exists() or folder.is_symlink():
            raise FileExistsError(error.errno, "is there already", str(folder)) from error
        raise


def _read_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
