"""Reads the SQL files that the package carries. Touches nothing else.

`schema/` is the readable truth of the tables; `migrations/` is how an installed database gets there; `functions/` holds
functions and views, which are replaced whole; `roles/` grants.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["Migration", "SqlFile", "checksum", "migrations", "pgmq_sql", "read_folder"]

_MIGRATION_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file: its name, and its text as it is sent (bytes, so that a percent sign is only that)."""

    name: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the tables' history. `version` counts from 1 without gaps."""

    version: int
    name: str
    text: bytes

    @property
    def checksum(self) -> str:
        """What the file is known by once it has been applied."""
        return checksum([SqlFile(self.name, self.text)])


def read_folder(folder: str) -> list[SqlFile]:
    """The SQL files of one folder, by name."""
    found = [
        SqlFile(entry.name, entry.read_bytes())
        for entry in (files("tasker_sql") / folder).iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found, key=lambda file: file.name)


def migrations() -> list[Migration]:
    """All migrations in their order. Raises ValueError when a name is malformed or a version is missing."""
    found: list[Migration] = []
    for file in read_folder("migrations"):
        match = _MIGRATION_NAME.fullmatch(file.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise ValueError(f"migrations/{file.name}: expected {len(found) + 1:04}_some_name.sql")
        found.append(Migration(int(match[1]), match[2], file.text))
    return found


def pgmq_sql() -> bytes:
    """The SQL that pgmq's Python package ships, for databases without the extension."""
    return (files("pgmq") / "sql" / "pgmq.sql").read_bytes()


def checksum(contents: list[SqlFile]) -> str:
    """One SHA-256 over names and texts."""
    digest = hashlib.sha256()
    for file in contents:
        digest.update(file.name.encode() + b"\0" + file.text + b"\0")
    return digest.hexdigest()
