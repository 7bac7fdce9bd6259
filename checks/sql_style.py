"""Holds the SQL files to the house rules; prints what breaks them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

SQL = Path("sql/tasker_sql")
OBJECT = re.compile(r"^create or replace (function|view) tasker\.(\w+)", re.MULTILINE)
KEYWORD = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|CREATE|BEGIN|RETURNS|LANGUAGE|DECLARE|JOIN)\b"
)


def faults_of(path: Path) -> list[str]:
    """What is wrong with one file."""
    text = path.read_text()
    found: list[str] = []
    if not text.startswith("-- "):
        found.append("does not open with a comment that says what it is for")
    if any(line != line.rstrip() for line in text.splitlines()) or not text.endswith("\n"):
        found.append("has trailing white space, or no newline at its end")
    code = re.sub(r"--.*|'(?:[^']|'')*'", "", text)
    if match := KEYWORD.search(code):
        found.append(f"has the keyword {match[0]} in upper case")
    if path.parent.name == "functions":
        found += function_faults(path.stem, text)
    return found


def function_faults(name: str, text: str) -> list[str]:
    """What is wrong with a file of one function or view."""
    found: list[str] = []
    objects = OBJECT.findall(text)
    if [each for _, each in objects] != [name]:
        found.append(f"should hold just {name}, but holds {[each for _, each in objects]}")
    if not re.search(rf"^comment on (function|view) tasker\.{name}\b", text, re.MULTILINE):
        found.append(f"has no comment on {name}")
    if "security definer" in text and "set search_path = pg_catalog, tasker, pg_temp" not in text:
        found.append("is security definer without a fixed search_path")
    return found


def main() -> int:
    """Check all files; the exit code."""
    faults = [
        f"{path}: {fault}" for path in sorted(SQL.rglob("*.sql")) for fault in faults_of(path)
    ]
    print("\n".join(faults) if faults else "SQL: in order")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
