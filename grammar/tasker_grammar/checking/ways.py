"""In which ways decisions can go, and which steps run in each. Pure.

What holds in some ways is an integer that has a bit for each of them. So "runs", "runs whenever that runs" and "has
passed a gate by then" are exact, however decisions and convergences are put together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from tasker_grammar.checking.reading import Step

__all__ = ["MOST_WAYS", "Ways", "count_ways"]

MOST_WAYS = 4_096


def count_ways(steps: Sequence[Step]) -> int:
    """In how many ways the decisions among the steps can go."""
    return prod(len(step.ties.branches) for step in steps if step.ties.branches)


class Ways:
    """The ways of a list of steps, in their order. `runs`: for each step, the ways in which it runs."""

    __slots__ = ("_chosen", "_waits_for", "every", "runs")

    def __init__(self, order: Sequence[Step], waits_for: Mapping[str, frozenset[str]]) -> None:
        self.every = (1 << count_ways(order)) - 1
        self.runs: dict[str, int] = {}
        self._waits_for = waits_for
        self._chosen = _choose(order, self.every)
        for step in order:
            self.runs[step.id] = self._when(step)

    def passes(self, order: Sequence[Step], gates: frozenset[str]) -> dict[str, int]:
        """For each step, the ways in which one of the gates was passed before it runs."""
        passed: dict[str, int] = {}
        for step in order:
            before = 0
            for name in self._waits_for[step.id]:
                before |= self.runs[name] if name in gates else passed[name]
            passed[step.id] = before & self.runs[step.id]
        return passed

    def _when(self, step: Step) -> int:
        before = [self.runs[name] for name in self._waits_for[step.id]]
        ways = self.every
        if step.ties.gathers:
            ways = 0
            for each in before:
                ways |= each
        else:
            for each in before:
                ways &= each
        for chosen in self._chosen.get(step.id, ()):
            ways &= chosen
        return ways


def _choose(order: Sequence[Step], every: int) -> dict[str, list[int]]:
    """For each step that stands in branches, the ways in which each decision chooses it."""
    chosen: dict[str, list[int]] = {}
    stride = 1
    for step in order:
        branches = step.ties.branches
        if not branches:
            continue
        period = stride * len(branches)
        repeated = every // ((1 << period) - 1)
        ways: dict[str, int] = {}
        for at, names in enumerate(branches.values()):
            block = ((1 << stride) - 1) << (at * stride)
            for name in names:
                ways[name] = ways.get(name, 0) | block * repeated
        for name, each in ways.items():
            chosen.setdefault(name, []).append(each)
        stride = period
    return chosen
