"""What becomes of the branches of decisions: those that are not there, and steps that can never come to be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tasker.checking.answers import Answers, read_answers
from tasker.checking.codes import make_fault
from tasker.checking.graph import Choices, Graph, converges, find_certain, may_lack
from tasker.errors import Fault
from tasker.names import did_you_mean

if TYPE_CHECKING:
    from tasker.template import StepDefinition

__all__ = ["find_branch_faults"]


def find_branch_faults(graph: Graph, choices: Choices) -> Iterator[Fault]:
    """What is wrong with decisions, with what they choose from, and with what gathers it again."""
    answers: dict[str, Answers] = {}
    for step in graph.steps.values():
        if step.kind == "decision":
            read = read_answers(step.result_schema)
            if read is None:
                what = f'step "{step.name}" is a decision, and its result_schema allows no list of names'
                mend = "Its result is kept as one: {type: array, items: {enum: [...]}}."
                path = ("steps", graph.index[step.name], "result_schema")
                yield make_fault("decision-result", path, what, mend)
            else:
                answers[step.name] = read
                yield from _check_answers(graph, step, read)
    if any(step.kind == "decision" for step in graph.steps.values()):
        yield from _check_reach(graph, choices, answers)
    yield from _check_convergences(graph, choices)


def _check_answers(graph: Graph, step: StepDefinition, answers: Answers) -> Iterator[Fault]:
    if answers.names is None:
        return
    children = [child.name for child in graph.children.get(step.name, ())]
    path = ("steps", graph.index[step.name], "result_schema")
    for name in sorted(answers.names.difference(children)):
        what = f'decision {step.name} may answer "{name}", but no step of that name depends on it'
        mend = did_you_mean(name, children) or f"These do: {', '.join(children[:20]) or 'none'}."
        yield make_fault("unknown-branch", path, what, mend)
    for child in graph.children.get(step.name, ()):
        if child.name not in answers.names:
            position = child.depends_on.index(step.name)
            path = ("steps", graph.index[child.name], "depends_on", position)
            what = f'decision {step.name} can never answer "{child.name}", which depends on it'
            mend = "Name it in the result_schema, or take the dependency away."
            yield make_fault("unchosen-branch", path, what, mend)


def _check_reach(graph: Graph, choices: Choices, answers: Mapping[str, Answers]) -> Iterator[Fault]:
    never: set[str] = set()
    for name in graph.order:
        parents = graph.parents[name]
        lost = [parent for parent in parents if parent in never]
        path = ("steps", graph.index[name])
        if _is_unchosen(graph, name, answers):
            never.add(name)
        elif converges(graph, name):
            if len(lost) == len(parents):
                never.add(name)
                what = f'step "{name}" waits for {_named(lost)}, of which none can ever be'
                mend = "Let it depend on a step that can."
                yield make_fault("never-converges", path, what, mend)
            for parent in lost if len(lost) < len(parents) else ():
                what = f'step "{name}" waits for "{parent}", which can never be'
                yield make_fault(
                    "waits-in-vain", (*path, *_edge(graph, name, parent)), what, "Take it out."
                )
        elif lost:
            never.add(name)
            what = f'step "{name}" can never be: it needs "{lost[0]}", which can never be'
            mend = "Mend that, or take the dependency away."
            where = (*path, *_edge(graph, name, lost[0]))
            yield make_fault("unreachable-step", where, what, mend)
        else:
            found = list(_check_choices(graph, name, choices, answers))
            if any(fault.code == "unreachable-step" for fault in found):
                never.add(name)
            yield from found


def _check_choices(
    graph: Graph, name: str, choices: Choices, answers: Mapping[str, Answers]
) -> Iterator[Fault]:
    """An ordinary step behind two branches of one decision."""
    parents = graph.parents[name]
    if len(parents) < 2:
        return
    # What it adds to what its parents need: only where ways come together can two branches meet.
    news = choices.needed[name]
    for parent in parents:
        if choices.needed[parent] == news:
            return
    for decision, branches in choices.of(news).items():
        if len(branches) < 2 or decision not in answers:
            continue
        if any(len(choices.of(choices.needed[p]).get(decision, ())) >= 2 for p in parents):
            continue  # said of the parent
        path, both = ("steps", graph.index[name]), " and ".join(branches)
        match answers[decision].several:
            case False:
                what = f'step "{name}" can never be: it needs {both}, of which decision {decision} chooses one'
                mend = f"Make it a convergence, or let {decision} choose several."
                yield make_fault("unreachable-step", path, what, mend)
                return
            case None:
                what = f'step "{name}" comes to be only if decision {decision} chooses {both}'
                mend = "Make it a convergence, if it is to follow whichever was chosen."
                yield make_fault("exclusive-parents", path, what, mend)
            case True:
                pass


def _check_convergences(graph: Graph, choices: Choices) -> Iterator[Fault]:
    certain = find_certain(graph)
    for name in graph.order:
        step = graph.steps[name]
        if step.kind != "deferred_convergence":
            continue
        kinds = {graph.steps[parent].kind for parent in step.depends_on}
        if kinds & {"batch_worker", "dynamic"} or may_lack(graph, choices, name):
            continue
        if all(parent in certain for parent in graph.parents[name]) and "decision" not in kinds:
            what = f'step "{name}" is a convergence, and all that it waits for always comes'
            mend = "An ordinary step does the same."
            yield make_fault("nothing-to-converge", ("steps", graph.index[name]), what, mend)


def _is_unchosen(graph: Graph, name: str, answers: Mapping[str, Answers]) -> bool:
    """Whether a decision that it needs can never choose it; said where the branch is."""
    unchosen = [
        parent
        for parent in graph.parents[name]
        if parent in answers and (names := answers[parent].names) is not None and name not in names
    ]
    if converges(graph, name):
        return len(unchosen) == len(graph.parents[name])
    return bool(unchosen)


def _edge(graph: Graph, name: str, parent: str) -> tuple[str | int, ...]:
    depends_on = graph.steps[name].depends_on
    return ("depends_on", depends_on.index(parent)) if parent in depends_on else ()


def _named(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:5]) + (", …" if len(names) > 5 else "")
