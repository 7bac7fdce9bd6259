"""Asks whether schemas fit each other, each pair once and within bounds. Pure."""

from __future__ import annotations

import re

import orjson

from tasker_grammar.contracts import Schema, SchemaError, Undecided, Verdict, Yes, fits
from tasker_grammar.plain import plainly_fits

__all__ = ["Fitting"]

# Together as JSON: what is above that is not compared, so that a check ends soon whatever it is given.
_MOST_OF_A_PAIR = 200_000
_MOST_IN_ALL = 5_000_000

# A reference to anything but a definition means another place once the schema is a part of another.
_MOVED = re.compile(rb'"\$(?:dynamicRef|ref)":"#(?!/(?:\$defs|definitions)/)')


class Fitting:
    """Compares the schemas of one template, remembers what it found, and stops where it becomes too much."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], Verdict] = {}
        self._left = _MOST_IN_ALL

    def judge(self, given: Schema, taken: Schema) -> Verdict:
        """Whether all that `given` allows, `taken` allows too."""
        pair = (_dump(given), _dump(taken))
        if pair not in self._known:
            self._known[pair] = self._compare(given, taken, pair)
        return self._known[pair]

    def _compare(self, given: Schema, taken: Schema, pair: tuple[bytes, bytes]) -> Verdict:
        if pair[0] == pair[1] or plainly_fits(given, taken):
            return Yes()
        size = len(pair[0]) + len(pair[1])
        self._left -= size
        if size > _MOST_OF_A_PAIR or self._left < 0:
            return Undecided("$", "there is too much of it")
        if any(_MOVED.search(text) for text in pair):
            return Undecided("$", "it refers to a part of itself that is no definition")
        try:
            return fits(given, taken)
        except (SchemaError, RecursionError) as error:
            return Undecided("$", str(error))


def _dump(schema: Schema) -> bytes:
    return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS, default=dict)
