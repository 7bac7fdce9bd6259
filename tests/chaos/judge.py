"""Holds the ledger against the outcome: what was promised, and what was done. Pure.

What it knows of each run is what handlers wrote down outside of the engine, and what it foretells is what scripts say.
Of the engine it takes the end: states and results.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.ledger import Line
from tests.chaos.outcome import Outcome
from tests.chaos.scripts import Foretold, foretell

Place = tuple[str, int]
"""A step: its task and number."""


@dataclass(frozen=True)
class Violation:
    """A broken promise, and the lines of the ledger that tell of it."""

    promise: str
    what: str
    task: str | None = None
    lines: Sequence[Line] = ()


@dataclass
class Evidence:
    """The ledger, sorted."""

    submitting: dict[str, Line] = field(default_factory=dict[str, Line])
    acknowledged: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    answered: dict[str, Line] = field(default_factory=dict[str, Line])
    runs: dict[str, Line] = field(default_factory=dict[str, Line])
    runs_of: dict[Place, list[Line]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[str, Line] = field(default_factory=dict[str, Line])
    left: dict[str, Line] = field(default_factory=dict[str, Line])
    passed: list[Line] = field(default_factory=list[Line])
    fell: list[Line] = field(default_factory=list[Line])
    restless: list[Line] = field(default_factory=list[Line])


def sort_ledger(lines: Iterable[Line]) -> Evidence:
    found = Evidence()
    for line in lines:
        match line["event"]:
            case "submitting":
                found.submitting.setdefault(line["key"], line)
            case "acknowledged":
                found.acknowledged[line["key"]].append(line)
            case "answered":
                found.answered[line["key"]] = line
            case "run":
                found.runs[line["run"]] = line
                found.runs_of[line["task"], line["no"]].append(line)
            case "end":
                found.ends[line["run"]] = line
            case "left":
                found.left[line["run"]] = line
            case "passed":
                found.passed.append(line)
            case "fell":
                found.fell.append(line)
            case "never calm":
                found.restless.append(line)
            case _:
                pass
    return found


def judge(evidence: Evidence, outcome: Outcome) -> list[Violation]:
    """Every broken promise; none in a sound engine."""
    return [
        *_judge_acceptance(evidence, outcome),
        *_judge_ends(outcome),
        *_judge_results(evidence, outcome),
        *_judge_order(evidence, outcome),
        *_judge_effects(evidence, outcome),
        *_judge_keys(evidence),
        *_judge_checkpoints(evidence),
        *_judge_answers(evidence, outcome),
        *(Violation("the engine's own books are sound", each) for each in outcome.broken),
        *(
            Violation(
                "nobody ends by itself", f"{line['post']} ended with {line['code']}", lines=[line]
            )
            for line in evidence.fell
        ),
        *(
            Violation("all goes on when it is left alone", "it did not for a minute", lines=[line])
            for line in evidence.restless
        ),
    ]


def _judge_acceptance(evidence: Evidence, outcome: Outcome) -> Iterator[Violation]:
    by_key = defaultdict[str, list[str]](list)
    for task in outcome.tasks:
        if task["key"] is not None:
            by_key[task["key"]].append(task["task"])
    for key, line in evidence.submitting.items():
        acks = evidence.acknowledged.get(key, [])
        named = {ack["task"] for ack in acks}
        there = by_key.get(key, [])
        if not acks:
            yield Violation("everything submitted is acknowledged", key, None, [line])
        elif len(there) != 1 or named != set(there):
            what = f"{key} was acknowledged as {sorted(named)}, and there is {there}"
            yield Violation(
                "nothing acknowledged is lost, or doubled", what, there[0] if there else None, acks
            )
    for key in by_key.keys() - evidence.submitting.keys():
        yield Violation("nothing comes of nothing", f"{key} was never submitted", by_key[key][0])


def _judge_ends(outcome: Outcome) -> Iterator[Violation]:
    """Each task came to what its script foretells, children included, and no step is missing or more."""
    steps = _steps_by_task(outcome)
    children = defaultdict[str, list[Mapping[str, Any]]](list)
    for task in outcome.tasks:
        if task["parent"] is not None:
            children[task["parent"]].append(task)
    for task in outcome.tasks:
        id_: str = task["task"]
        wanted = foretell(task["kind"], task["input"])
        if task["state"] != wanted.state:
            what = f"{task['kind']} is {task['state']}, and not {wanted.state}"
            yield Violation("every task ends as foretold", what, id_)
        found = {step["name"]: (step["state"], _value(step)) for step in steps[id_]}
        expected = _expected(wanted)
        for name in found.keys() | expected.keys():
            if found.get(name) != expected.get(name):
                what = f"step {name} is {found.get(name)}, and not {expected.get(name)}"
                yield Violation("every task ends as foretold", what, id_)
        names = Counter(child["child"] for child in children[id_])
        if names != Counter(list(wanted.children)):
            what = f"it has the children {dict(names)}, and not {list(wanted.children)}"
            yield Violation("a child is started once", what, id_)


def _expected(wanted: Foretold) -> dict[str, tuple[str, int | None]]:
    marked = {name: ("complete", value) for name, value in wanted.values.items()}
    return {**marked, **{name: (state, None) for name, state in wanted.others.items()}}


def _judge_results(evidence: Evidence, outcome: Outcome) -> Iterator[Violation]:
    """What is recorded is what the last attempt that was granted has returned: no zombie has overwritten it."""
    for step in outcome.steps:
        run = run_of(step)
        if run is None:
            continue
        line = evidence.runs.get(run)
        others = evidence.runs_of.get((step["task"], step["no"]), [])
        if line is None or (line["task"], line["no"]) != (step["task"], step["no"]):
            what = f"the result of {step['name']} is of run {run}, which was never that step's"
            yield Violation("no result without its run", what, step["task"], others)
        elif run not in evidence.ends:
            what = f"the result of {step['name']} is of run {run}, which never came to its end"
            yield Violation("no result without its run", what, step["task"], others)
        elif line["attempt"] != step["attempt"]:
            what = f"{step['name']} has the result of attempt {line['attempt']}, and is at attempt {step['attempt']}"
            yield Violation("no stale commit", what, step["task"], others)


def _judge_order(evidence: Evidence, outcome: Outcome) -> Iterator[Violation]:
    """What a run saw of its parents is what is recorded of them, all of it, and they had ended before it began."""
    recorded = defaultdict[tuple[str, str], list[str]](list)
    for step in outcome.steps:
        run = run_of(step)
        if run is not None:
            recorded[step["task"], step["name"].partition("/")[0]].append(run)
    for line in evidence.runs.values():
        for parent, saw in line["saw"].items():
            there = recorded[line["task"], parent]
            if saw != there:
                what = f"{line['step']} saw the runs {saw} of {parent}, and recorded are {there}"
                yield Violation(
                    "a step sees what its parents committed", what, line["task"], [line]
                )
            for run in saw:
                end = evidence.ends.get(run)
                if end is None or end["at"] > line["at"]:
                    what = f"{line['step']} began before {parent} had ended"
                    yield Violation("parents come before children", what, line["task"], [line])


def _judge_effects(evidence: Evidence, outcome: Outcome) -> Iterator[Violation]:
    kinds = {task["task"]: foretell(task["kind"], task["input"]) for task in outcome.tasks}
    written = defaultdict[Place, list[str]](list)
    for effect in outcome.effects:
        written[effect["task"], effect["no"]].append(effect["run"])
    for step in outcome.steps:
        place = step["task"], step["no"]
        run = run_of(step)
        wanted = [run] if step["name"] in kinds[step["task"]].effects and run else []
        if written.pop(place, []) != wanted:
            found = [e["run"] for e in outcome.effects if (e["task"], e["no"]) == place]
            what = f"{step['name']} has the effects of {found}, and its result is of {run}"
            lines = evidence.runs_of.get(place, [])
            yield Violation("an effect takes place once, with its step", what, step["task"], lines)
    for (task, no), runs in written.items():
        yield Violation(
            "an effect takes place once, with its step", f"step {no} is not there: {runs}", task
        )


def _judge_keys(evidence: Evidence) -> Iterator[Violation]:
    owners: dict[str, Place] = {}
    for place, runs in evidence.runs_of.items():
        keys = {line["key"] for line in runs}
        if len(keys) != 1 or any(owners.setdefault(key, place) != place for key in keys):
            what = f"step {place[1]} had the keys {sorted(keys)}"
            yield Violation("a step has one idempotency key", what, place[0], runs)
        # A step that has waited goes on in the same attempt.
        waited = {line["run"] for line in runs if _left_by(evidence, line) == "Left"}
        granted = Counter(line["attempt"] for line in runs if line["run"] not in waited)
        for attempt, times in granted.items():
            if times > 1:
                what = f"attempt {attempt} of step {place[1]} ran {times} times"
                yield Violation("an attempt is granted once", what, place[0], runs)


def _left_by(evidence: Evidence, run: Line) -> str | None:
    left = evidence.left.get(run["run"])
    return None if left is None else left["by"]


def _judge_checkpoints(evidence: Evidence) -> Iterator[Violation]:
    saved = defaultdict[tuple[Place, str], list[Line]](list)
    for line in evidence.passed:
        run = evidence.runs[line["run"]]
        saved[(run["task"], run["no"]), line["name"]].append(line)
    for (place, name), lines in saved.items():
        if len({line["saved"] for line in lines}) != 1:
            what = f"checkpoint {name} of step {place[1]} has had several values"
            yield Violation("what was saved stays", what, place[0], lines)


def _judge_answers(evidence: Evidence, outcome: Outcome) -> Iterator[Violation]:
    """What a client was told as a task's result is what is recorded."""
    tasks = {task["key"]: task["task"] for task in outcome.tasks if task["key"] is not None}
    steps = _steps_by_task(outcome)
    for key, line in evidence.answered.items():
        told = {mark["run"] for mark in _marks(line["result"])}
        there = {run_of(step) for step in steps[tasks.get(key, "")]}
        if not told <= there:
            what = f"{key} was answered with {line['result']}"
            yield Violation("a client is told what is recorded", what, tasks.get(key), [line])


def _marks(value: Any) -> Iterator[Mapping[str, Any]]:
    match value:
        case {"run": _, "value": _}:
            yield value
        case Mapping():
            for each in value.values():
                yield from _marks(each)
        case _:
            pass


def _steps_by_task(outcome: Outcome) -> dict[str, list[Mapping[str, Any]]]:
    steps = defaultdict[str, list[Mapping[str, Any]]](list)
    for step in outcome.steps:
        steps[step["task"]].append(step)
    return steps


def run_of(step: Mapping[str, Any]) -> str | None:
    """The run that a step's result is from, where it is a mark."""
    match step:
        case {"state": "complete", "result": {"run": str(run)}}:
            return run
        case _:
            return None


def _value(step: Mapping[str, Any]) -> int | None:
    return step["result"]["value"] if run_of(step) is not None else None
