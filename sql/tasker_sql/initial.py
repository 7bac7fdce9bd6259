"""Writes migrations/0001_initial.sql from schema/, or with --check says whether it is what it should be.

Until the first release the first migration is the schema itself; after it, it never changes again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tasker_sql.loader import read_folder

__all__ = ["main"]

_TARGET = Path(__file__).parent / "migrations" / "0001_initial.sql"


def main(arguments: list[str]) -> int:
    """Write the file, or check it; the exit code."""
    wanted = b"\n".join(file.text for file in read_folder("schema"))
    if "--check" in arguments:
        if _TARGET.read_bytes() == wanted:
            return 0
        sys.stderr.write(
            "migrations/0001_initial.sql is out of date: python -m tasker_sql.initial\n"
        )
        return 1
    _TARGET.write_bytes(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
