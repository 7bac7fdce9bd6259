"""The judge on scripted ledgers: a sound story is acquitted, and each way of telling it wrong is found out."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.figures import Recovery, count, judge_recovery, measure, refused
from tests.chaos.judge import judge, sort_ledger
from tests.chaos.ledger import append, read_ledger
from tests.chaos.outcome import Outcome

TASK, CHILD = "task-1", "task-2"
GIVEN = {"number": 5, "pause": 0, "failures": 0}
CLOCK = "2026-01-01T00:00:04+00:00"


class Story:
    """What happened to one diamond, which anybody may tell otherwise: lines of the ledger, and rows of the outcome."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.tasks: list[dict[str, Any]] = [
            {"task": TASK, "kind": "diamond", "key": "diamond-5", "state": "complete", "parent": None, "child": None,
             "input": GIVEN},
        ]  # fmt: skip
        self.steps: list[dict[str, Any]] = []
        self.effects: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self.say("submitting", key="diamond-5", kind="diamond", input=GIVEN)
        self.say("acknowledged", key="diamond-5", task=TASK)
        self.runs(1, "split", "s1", 5)
        self.say("run", **self.run(2, "left", "l1", {"split": ["s1"]}))  # its worker froze
        self.runs(2, "left", "l2", 6, attempt=2, split=["s1"])
        self.say("end", run="l1")  # and came back as a zombie
        self.runs(3, "right", "r1", 7, split=["s1"])
        self.runs(4, "join", "j1", 13, left=["l2"], right=["r1"])
        self.effects += [{"task": TASK, "no": 2, "run": "l2"}, {"task": TASK, "no": 3, "run": "r1"}]
        self.say("answered", key="diamond-5", result={"value": 13, "run": "j1"})

    def say(self, event: str, **facts: Any) -> None:
        self.lines.append({"event": event, "at": float(len(self.lines)), "pid": 1, **facts})

    def run(self, no: int, step: str, run: str, saw: Any, attempt: int = 1) -> dict[str, Any]:
        return {
            "run": run, "task": TASK, "no": no, "step": step, "attempt": attempt, "key": f"{TASK}:{no}", "saw": saw,
        }  # fmt: skip

    def runs(self, no: int, step: str, run: str, value: int, attempt: int = 1, **saw: Any) -> None:
        """Tell of a run that comes to its end, and is recorded."""
        self.say("run", **self.run(no, step, run, saw, attempt))
        self.say("end", run=run)
        result = {"value": value, "run": run}
        self.steps.append(
            {"task": TASK, "no": no, "name": step, "state": "complete", "attempt": attempt, "result": result,
             "completed_at": None},
        )  # fmt: skip

    def line(self, event: str, **facts: Any) -> dict[str, Any]:
        """The first line of an event with these facts."""
        return next(
            each for each in self.lines if each["event"] == event and facts.items() <= each.items()
        )

    def step(self, name: str) -> dict[str, Any]:
        return next(each for each in self.steps if each["name"] == name)

    def outcome(self) -> Outcome:
        return Outcome(self.tasks, self.steps, self.effects, self.broken)

    def promises(self) -> set[str]:
        """The promises that are broken, as the judge sees it."""
        return {each.promise for each in judge(sort_ledger(self.lines), self.outcome())}


def test_a_sound_story_is_acquitted() -> None:
    assert Story().promises() == set()


def lost(story: Story) -> None:
    story.tasks, story.steps, story.effects = [], [], []


def doubled(story: Story) -> None:
    story.tasks.append(story.tasks[0] | {"task": "task-9"})
    story.steps += [each | {"task": "task-9"} for each in story.steps]


def renamed(story: Story) -> None:
    story.say("acknowledged", key="diamond-5", task="task-9")


def unanswered(story: Story) -> None:
    story.lines.remove(story.line("acknowledged"))


def from_nowhere(story: Story) -> None:
    story.lines.remove(story.line("submitting"))


def stuck(story: Story) -> None:
    story.tasks[0]["state"] = "in_progress"


def missing_step(story: Story) -> None:
    story.steps.remove(story.step("join"))


def wrong_value(story: Story) -> None:
    story.step("join")["result"] = {"value": 14, "run": "j1"}


def stale(story: Story) -> None:
    """The zombie's result has come in after all."""
    story.step("left")["result"] = {"value": 6, "run": "l1"}
    story.line("run", run="j1")["saw"]["left"] = ["l1"]
    story.effects[0]["run"] = "l1"


def overwritten(story: Story) -> None:
    """As a stale commit, but before the child has started."""
    story.line("run", run="j1")["saw"]["left"] = ["l1"]


def never_ended(story: Story) -> None:
    story.lines.remove(story.line("end", run="r1"))


def of_another_step(story: Story) -> None:
    story.step("right")["result"]["run"] = "s1"


def child_first(story: Story) -> None:
    story.line("run", run="j1")["at"] = story.line("end", run="r1")["at"] - 0.5


def part_of_a_fan_in(story: Story) -> None:
    story.line("run", run="j1")["saw"]["right"] = []


def effect_twice(story: Story) -> None:
    story.effects.append(story.effects[0])


def effect_of_the_zombie(story: Story) -> None:
    story.effects.append({"task": TASK, "no": 2, "run": "l1"})


def effect_lost(story: Story) -> None:
    story.effects.pop()


def effect_of_no_step(story: Story) -> None:
    story.effects.append({"task": TASK, "no": 9, "run": "x"})


def other_key(story: Story) -> None:
    story.line("run", run="l2")["key"] = "another"


def shared_key(story: Story) -> None:
    for run in ("l1", "l2"):
        story.line("run", run=run)["key"] = f"{TASK}:1"


def granted_twice(story: Story) -> None:
    story.line("run", run="l2")["attempt"] = 1
    story.step("left")["attempt"] = 1


def other_checkpoint(story: Story) -> None:
    story.say("passed", run="l1", name="one", saved="x")
    story.say("passed", run="l2", name="one", saved="y")


def other_answer(story: Story) -> None:
    story.line("answered")["result"]["run"] = "l1"


def child_twice(story: Story) -> None:
    extra = {"task": CHILD, "kind": "chain", "key": None, "state": "complete", "parent": TASK}
    story.tasks.append({**extra, "child": "leaf 0", "input": GIVEN})


def unsound(story: Story) -> None:
    story.broken.append("a sentence")


def fallen(story: Story) -> None:
    story.say("fell", post="worker-1", code=1, log="")


def restless(story: Story) -> None:
    story.say("never calm", fault="kill a worker")


TOLD_WRONG: dict[Callable[[Story], None], str] = {
    lost: "nothing acknowledged is lost, or doubled",
    doubled: "nothing acknowledged is lost, or doubled",
    renamed: "nothing acknowledged is lost, or doubled",
    unanswered: "everything submitted is acknowledged",
    from_nowhere: "nothing comes of nothing",
    stuck: "every task ends as foretold",
    missing_step: "every task ends as foretold",
    wrong_value: "every task ends as foretold",
    stale: "no stale commit",
    overwritten: "a step sees what its parents committed",
    never_ended: "no result without its run",
    of_another_step: "no result without its run",
    child_first: "parents come before children",
    part_of_a_fan_in: "a step sees what its parents committed",
    effect_twice: "an effect takes place once, with its step",
    effect_of_the_zombie: "an effect takes place once, with its step",
    effect_lost: "an effect takes place once, with its step",
    effect_of_no_step: "an effect takes place once, with its step",
    other_key: "a step has one idempotency key",
    shared_key: "a step has one idempotency key",
    granted_twice: "an attempt is granted once",
    other_checkpoint: "what was saved stays",
    other_answer: "a client is told what is recorded",
    child_twice: "a child is started once",
    unsound: "the engine's own books are sound",
    fallen: "nobody ends by itself",
    restless: "all goes on when it is left alone",
}


@pytest.mark.parametrize("tell", TOLD_WRONG, ids=lambda tell: tell.__name__)
def test_a_story_that_is_told_wrong_is_found_out(tell: Callable[[Story], None]) -> None:
    story = Story()
    tell(story)
    assert TOLD_WRONG[tell] in story.promises()


def test_a_step_that_has_waited_goes_on_in_the_same_attempt() -> None:
    story = Story()
    first = story.line("run", run="r1")
    place = story.lines.index(first)
    again = [first | {"run": "r0"}, {"event": "left", "at": place, "run": "r0", "by": "Left"}]
    story.lines[place:place] = again
    assert story.promises() == set()
    again[1]["by"] = "RetryableError"
    assert story.promises() == {"an attempt is granted once"}


def test_zombies_are_counted() -> None:
    story = Story()
    evidence = sort_ledger(story.lines)
    assert [line["run"] for line in refused(evidence, story.outcome())] == ["l1"]


def test_recovery_is_measured_and_judged() -> None:
    story = Story()
    story.lines.remove(story.line("end", run="l1"))
    killed = story.line("run", run="l1")
    killed["pid"] = 77
    struck = {"fault": "kill a worker", "measured": True}
    story.say(
        "struck", **struck, facts={"victim": 77, "killed": killed["at"] + 0.5, "clock": CLOCK}
    )
    story.step("join")["completed_at"] = "2026-01-01T00:00:03+00:00"
    stopped = {"fault": "stop Postgres at once", "measured": True}
    story.say("struck", **stopped, facts={"clock": "2026-01-01 00:00:01.5+00"})
    found = measure(story.lines, sort_ledger(story.lines), story.outcome(), lease=2)
    assert [each.took for each in found] == [[0.5], [1.5], [], []]
    assert [each.bound for each in found] == [3, 2, 1, 1]
    assert list(judge_recovery(found)) == []


def kill_child(story: Story, died: bool = True, recorded: float = 4.25) -> list[Recovery]:
    """The first attempt of `left` ran in a child, which was killed; what is measured of that."""
    story.lines.remove(story.line("end", run="l1"))
    story.line("run", run="l1").update(pid=77, host=70)
    killed = story.line("run", run="l1")["at"] + 0.5
    story.lines.append(
        {"event": "child", "at": killed + 0.75, "pid": 78, "host": 70, "language": "ruby"}
    )
    facts = {
        "victim": 77,
        "host": 70,
        "language": "ruby",
        "killed": killed,
        "dead": killed,
        "runs": ["l1"],
    }
    struck = {"fault": "kill a bridge child", "measured": True}
    story.say("struck", **struck, facts={**facts, "clock": CLOCK})
    at = f"2026-01-01T00:00:{recorded:05.2f}+00:00"
    lost = {"task": TASK, "no": 2, "attempt": 1, "at": at, "child_died": died}
    outcome = replace(story.outcome(), lost=[lost])
    return list(measure(story.lines, sort_ledger(story.lines), outcome, lease=2))[2:]


def test_the_death_of_a_child_is_measured_and_judged() -> None:
    known, succeeded = kill_child(Story())
    assert (known.took, succeeded.took) == ([0.25], [0.75])
    assert list(judge_recovery([known, succeeded])) == []


def test_the_death_of_a_child_that_only_its_lease_told_of_is_found_out() -> None:
    known, _ = kill_child(Story(), died=False)
    assert known.took == [inf]
    assert [each.promise for each in judge_recovery([known])] == ["recovery is within its bound"]


def test_what_a_child_had_lost_before_it_was_killed_is_not_measured() -> None:
    known, _ = kill_child(Story(), died=False, recorded=3.5)
    assert known.took == []


def test_a_child_without_a_successor_is_found_out() -> None:
    story = Story()
    story.lines += [{"event": "child", "at": 0.0, "pid": 77, "host": 70, "language": "ruby"}]
    known, succeeded = kill_child(story)
    assert list(judge_recovery([known, succeeded])) == []
    other = [line for line in story.lines if line["event"] != "child" or line["at"] == 0.0]
    *_, succeeded = measure(other, sort_ledger(other), story.outcome(), lease=2)
    assert succeeded.took == [inf]


@pytest.mark.parametrize(
    ("recorded", "took"), [("00:00:06.5", [2.5]), ("00:00:03", []), (None, [inf])]
)
def test_the_runs_of_a_killed_worker_s_children_are_measured_too(
    recorded: str | None, took: list[float]
) -> None:
    """By when their attempts were lost, whenever the next child has room for another; those lost before are not."""
    story = Story()
    story.line("run", run="l1").update(pid=77, host=70)  # its child ends it all the same
    killed = story.line("run", run="l1")["at"] + 0.5
    facts = {"victim": 70, "killed": killed, "clock": CLOCK}
    story.say("struck", fault="kill a worker", measured=True, facts=facts)
    lost = {"task": TASK, "no": 2, "attempt": 1, "at": f"2026-01-01T{recorded}+00:00"}
    outcome = replace(story.outcome(), lost=[] if recorded is None else [lost])
    worker, *_ = measure(story.lines, sort_ledger(story.lines), outcome, lease=2)
    assert worker.took == took


def test_what_a_fault_hit_is_counted() -> None:
    story = Story()
    story.line("run", run="r1")["host"] = 70
    frozen = story.line("run", run="r1")["at"] + 0.5
    facts = {"runs": ["r1"], "frozen": frozen, "thawed": frozen + 0.1}
    struck = {"fault": "freeze a bridge child", "measured": False}
    story.say("struck", **struck, facts=facts)
    story.say("struck", **struck, facts={"missed": "nobody"})
    figures = count(story.lines, sort_ledger(story.lines), story.outcome())
    assert (figures.child_runs, figures.thawed) == (1, 1)
    assert figures.faults == figures.missed == {"freeze a bridge child": 1}


def test_a_step_that_never_ran_again_has_not_recovered() -> None:
    story = deepcopy(Story())
    story.lines.remove(story.line("end", run="l1"))
    story.lines.remove(story.line("run", run="l2"))
    struck = {"fault": "kill a worker", "measured": True}
    story.say("struck", **struck, facts={"victim": 1, "killed": 5.0, "clock": CLOCK})
    found = measure(story.lines, sort_ledger(story.lines), story.outcome(), lease=2)
    assert [each.promise for each in judge_recovery(found)] == ["recovery is within its bound"]


def test_late_is_later_than_the_bound_and_the_margin() -> None:
    assert list(judge_recovery([Recovery("x", 2, [3.9])], margin=2)) == []
    assert len(list(judge_recovery([Recovery("x", 2, [1.0, 4.1])], margin=2))) == 1


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    append(ledger, "one")
    with ledger.open("ab") as file:
        file.write(b'\n{"event": "to')
    append(ledger, "two")
    assert [line["event"] for line in read_ledger(ledger)] == ["one", "two"]
