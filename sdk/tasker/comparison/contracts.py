"""How one contract differs from the one before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from tasker.comparison.changes import Change, Path, Who
from tasker_grammar.contracts import No, Schema, Undecided, Yes, fits

__all__ = ["compare_contracts", "find_lack"]


def compare_contracts(
    code: str,
    path: Path,
    old: Schema | None,
    new: Schema | None,
    *,
    narrowed: Who,
    widened: Who,
) -> Iterator[Change]:
    """What is no longer allowed, and what is newly allowed, and whom the one and the other break.

    What cannot be decided counts as both. No schema allows anything.
    """
    before, after = True if old is None else old, True if new is None else new
    lost, won = find_lack(before, after), find_lack(after, before)
    if lost is not None:
        yield Change(code, "narrowed", path, narrowed, f"it allows less than before, {lost}")
    if won is not None:
        yield Change(code, "widened", path, widened, f"it allows more than before, {won}")


def find_lack(given: Schema, taken: Schema) -> str | None:
    """Where and why `taken` does not allow all that `given` does, or that it could not be decided; None where it does.

    Raises `SchemaError`.
    """
    match fits(given, taken):
        case Yes():
            return None
        case No(path, why):
            return f"at {path}: {why}"
        case Undecided(path, why):
            return f"at {path}: {why} (this could not be decided)"
        case _ as never:
            assert_never(never)
