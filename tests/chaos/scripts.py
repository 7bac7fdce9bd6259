"""What is submitted: an endless, seeded series of tasks, and what each must come to. Pure.

A script is a task's template and its input. As handlers do what their input says, it foretells the state that the task
ends in and the value of each of its steps, whatever happens meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from tasker.priority import Priority

PRIORITIES: tuple[Priority, ...] = ("normal", "normal", "normal", "high", "low")
BRANCHES = ("by_air", "by_rail", "by_road")


@dataclass(frozen=True, slots=True)
class Script:
    """One task. `number` makes its idempotency key."""

    number: int
    kind: str
    input: Mapping[str, Any]
    priority: Priority = "normal"

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.number}"


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a task must come to: its state, and of each step its state and, where one is foretold, its value."""

    state: str = "complete"
    values: Mapping[str, int] = field(default_factory=dict[str, int])
    """Steps that complete with a mark, by name."""
    others: Mapping[str, str] = field(default_factory=dict[str, str])
    """The states of all other steps, by name."""
    effects: frozenset[str] = frozenset()
    """Steps that write with `ctx.transaction()`."""
    children: Mapping[str, int] = field(default_factory=dict[str, int])
    """The values of its children by their names."""


def draw_scripts(seed: int) -> Iterator[Script]:
    """The tasks of a seed, from the first on."""
    for number in count():
        random = Random(f"{seed}:{number}")
        kind = random.choices(list(KINDS), [k.weight for k in KINDS.values()])[0]
        given = {
            "number": number,
            "pause": round(
                random.choice((0, 0.005, 0.02, 0.05, 0.2)) * random.uniform(0.5, 1.5), 4
            ),
            "long": round(random.uniform(1, 4), 2) if random.random() < 0.25 else 0,
            "failures": random.choice((0, 0, 1, 2)),
        }
        yield Script(number, kind, given | KINDS[kind].draw(random), random.choice(PRIORITIES))


def foretell(kind: str, given: Mapping[str, Any]) -> Foretold:
    """What a task of this kind and input must come to."""
    return KINDS[kind].foretell(given)


@dataclass(frozen=True, slots=True)
class Kind:
    weight: int
    draw: Callable[[Random], Mapping[str, Any]]
    foretell: Callable[[Mapping[str, Any]], Foretold]


def _nothing(_: Random) -> Mapping[str, Any]:
    return {}


def _chain(given: Mapping[str, Any]) -> Foretold:
    n = given["number"]
    return Foretold(values={name: n + place for place, name in enumerate("abcd", 1)})


def _diamond(given: Mapping[str, Any]) -> Foretold:
    n = given["number"]
    values = {"split": n, "left": n + 1, "right": n + 2, "join": 2 * n + 3}
    return Foretold(values=values, effects=frozenset({"left", "right"}))


def _fan(given: Mapping[str, Any]) -> Foretold:
    items = range(given["size"])
    workers = {f"effect/{i + 1}": i for i in items}
    return Foretold(
        values={**workers, "total": sum(items)},
        others={"cut": "complete"},
        effects=frozenset(workers),
    )


def _decide(given: Mapping[str, Any]) -> Foretold:
    chosen: list[str] = given["branches"]
    n = given["number"]
    taken = {name: n + len(name) for name in chosen}
    # A convergence all of whose parents are excluded is excluded as well.
    close = {"arrive": sum(taken.values())} if chosen else {}
    return Foretold(values={"quote": n, **taken, **close}, others={"route": "complete"})


def _grow(given: Mapping[str, Any]) -> Foretold:
    rounds, width = given["rounds"], given["width"]
    values = {f"turn/{r + 1}": r for r in range(rounds)}
    values |= {f"probe/{p + 1}": p % width for p in range(rounds * width)} if width else {}
    total = sum(values.values())
    return Foretold(values={"begin": given["number"], **values, "close": total})


def _patient(given: Mapping[str, Any]) -> Foretold:
    return Foretold(values={"wait": 7 * given["number"], "after": 7 * given["number"] + 1})


def _doomed(given: Mapping[str, Any]) -> Foretold:
    return Foretold(
        state="blocked_by_failures",
        values={"first": given["number"]},
        others={"second": "error", "third": "pending"},
        effects=frozenset({"first"}),
    )


def _undone(given: Mapping[str, Any]) -> Foretold:
    n = given["number"]
    undone = {"undo:first": n, "undo:second": n + 1}
    return Foretold(
        state="error",
        values={"first": n, "second": n + 1, **undone},
        others={"third": "error"},
        effects=frozenset({"first", "second", *undone}),
    )


def _family(given: Mapping[str, Any]) -> Foretold:
    n = given["number"]
    children = {f"leaf {i}": n + i + 4 for i in range(given["children"])}
    return Foretold(values={"gather": sum(children.values())}, children=children)


def _trio(given: Mapping[str, Any]) -> Foretold:
    n = given["number"]
    values = {"open": n, "left": n + 1, "right": n + 2, "meet": 2 * n + 3}
    return Foretold(values=values, effects=frozenset({"meet"}))


def _spread(given: Mapping[str, Any]) -> Foretold:
    items = range(given["size"])
    carried = {f"carry/{i + 1}": i for i in items}
    return Foretold(values={**carried, "tally": sum(items)}, others={"deal": "complete"})


def _afar(given: Mapping[str, Any]) -> Foretold:
    n = given["number"]
    gathered = 7 * n + n + 4
    values = {"wait": 7 * n, "gather": gathered, "close": gathered + 1}
    return Foretold(values=values, effects=frozenset({"close"}), children={"leaf": n + 4})


def _bounded(given: Mapping[str, Any]) -> Foretold:
    n = given["number"]
    return Foretold(values={"enter": n, "leave": n + 1}, effects=frozenset({"leave"}))


KINDS: Mapping[str, Kind] = {
    "chain": Kind(4, _nothing, _chain),
    "diamond": Kind(4, _nothing, _diamond),
    "fan": Kind(3, lambda r: {"size": r.choice((0, 1, 3, 8, 25))}, _fan),
    "decide": Kind(3, lambda r: {"branches": sorted(r.sample(BRANCHES, r.randint(0, 3)))}, _decide),
    "grow": Kind(3, lambda r: {"rounds": r.randint(1, 4), "width": r.randint(0, 3)}, _grow),
    "patient": Kind(3, lambda r: {"sleep": round(r.uniform(0.02, 1.5), 2)}, _patient),
    "doomed": Kind(1, _nothing, _doomed),
    "undone": Kind(2, _nothing, _undone),
    "family": Kind(2, lambda r: {"children": r.randint(1, 3)}, _family),
    "trio": Kind(5, _nothing, _trio),
    "spread": Kind(3, lambda r: {"size": r.choice((0, 1, 3, 8, 25))}, _spread),
    "afar": Kind(3, lambda r: {"sleep": round(r.uniform(0.02, 1.5), 2)}, _afar),
    "bounded": Kind(3, lambda r: {"tenant": r.choice(("ada", "bob"))}, _bounded),
}
