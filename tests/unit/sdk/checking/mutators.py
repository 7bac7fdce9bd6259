"""Breaks good templates, each in one known way: what is to be found then, and where.

A mutator changes the data of a template in place and says what is to be found, or gives None where the
template has nothing that it could break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.unit.sdk.checking.shapes import Json, step

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Expected:
    """The code and the place of what is to be found; `also`: errors that follow from the same fault."""

    code: str
    path: Path
    also: frozenset[str] = frozenset()


Mutator = Callable[[Random, Json], Expected | None]
MUTATORS: dict[str, Mutator] = {}


def mutator(function: Mutator) -> Mutator:
    MUTATORS[function.__name__] = function
    return function


def find(data: Json, test: Callable[[Json], bool]) -> list[int]:
    return [index for index, each in enumerate(data["steps"]) if test(each)]


def of_kind(data: Json, kind: str) -> list[int]:
    return find(data, lambda each: each.get("type", "standard") == kind)


def pick(random: Random, among: Sequence[int]) -> int | None:
    return random.choice(among) if among else None


def index_of(data: Json, name: str) -> int:
    return find(data, lambda each: each["name"] == name)[0]


def descendants(data: Json, index: int) -> list[int]:
    found = {data["steps"][index]["name"]}
    for each in data["steps"]:
        if found.intersection(each.get("dependencies", ())):
            found.add(each["name"])
    return find(data, lambda each: each["name"] in found)[1:]


def sets(
    code: str,
    value: Any,
    *path: str,
    kind: str = "standard",
    at: int | None = None,
    below: tuple[str, ...] = (),
) -> Mutator:
    """Sets a field of a step; what is to be found is told there, `at` so many parts of the path, or `below` it."""

    def mutate(random: Random, data: Json) -> Expected | None:
        index = pick(random, of_kind(data, kind))
        if index is None:
            return None
        place = data["steps"][index]
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
        return Expected(code, ("steps", index, *path[:at], *below))

    return mutate


def sets_top(code: str, value: Any, name: str, *also: str, below: tuple[str, ...] = ()) -> Mutator:
    def mutate(random: Random, data: Json) -> Expected | None:
        data[name] = value
        return Expected(code, (name, *below), frozenset(also))

    return mutate


MUTATORS |= {
    "unknown_step_field": sets("unknown-field", 30, "timout_seconds"),
    "unknown_top_field": sets_top("unknown-field", "x", "descripton"),
    "unknown_retry_field": sets("unknown-field", 3, "retry", "max_attempt"),
    "time_as_text": sets("wrong-type", "30s", "timeout_seconds"),
    "dependencies_as_text": sets("wrong-type", "begin", "dependencies"),
    "step_as_number": sets("wrong-type", 7, "handler"),
    "too_many_attempts": sets("out-of-range", 5000, "retry", "max_attempts"),
    "no_such_kind": sets("out-of-range", "special", "type"),
    "no_such_backoff": sets("out-of-range", "cubic", "retry", "backoff"),
    "no_such_policy": sets_top("out-of-range", "panic", "on_failure"),
    "zero_time": sets("invalid-time-limit", 0, "timeout_seconds"),
    "endless_time": sets("invalid-time-limit", 4e9, "total_timeout_seconds"),
    "bad_queue": sets("invalid-name", "Slow Queue", "queue"),
    "bad_namespace": sets_top("invalid-name", "1shop", "namespace_name"),
    "long_version": sets_top("invalid-name", "9" * 60, "version"),
    "empty_callable": sets("empty-handler", "", "handler", "callable"),
    "bad_result_schema": sets("invalid-schema", {"type": "money"}, "result_schema", below=("type",)),
    "bad_task_schema": sets_top("invalid-schema", {"properties": 7}, "input_schema", below=("properties",)),
    "text_for_a_step": sets("step-input-not-object", {"type": "string"}, "input_schema"),
    "text_for_a_task": sets_top("task-input-not-object", {"type": "string"}, "input_schema", "contract-misfit"),
    "huge_number": sets("not-json", {"n": 10**30}, "handler", "initialization"),
    "published": sets("not-acted-on", [{"name": "order.paid"}], "publishes_events"),
    "resolved": sets("not-acted-on", "registry", "handler", "resolver"),
    "no_such_error": sets("impossible-error-name", ["card declined"], "retry", "permanent_errors"),
    "batch_policy": sets("batch-config-ignored", {"parallelism": 3}, "batch_config"),
    "decision_gives_text": sets("decision-result", {"type": "string"}, "result_schema", kind="decision"),
    "decision_gives_one_name": sets("decision-result", {"enum": ["a", "b"]}, "result_schema", kind="decision"),
    "batch_gives_object": sets("batch-result", {"type": "object"}, "result_schema", kind="batchable"),
    "dynamic_waits": sets("dynamic-depends", ["begin"], "dependencies", kind="dynamic"),
    "no_steps": sets_top("step-count", [], "steps"),
}  # fmt: skip


@mutator
def empty_limit(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    data["steps"][index]["limits"] = [{"name": "gateway"}]
    return Expected("invalid-limit", ("steps", index, "limits", 0))


@mutator
def asks_nobody(random: Random, data: Json) -> Expected | None:
    index = pick(random, of_kind(data, "standard"))
    if index is None:
        return None
    asked = data["steps"][index].setdefault("expands", [])
    asked.append("serch")
    return Expected("unknown-dynamic-step", ("steps", index, "expands", len(asked) - 1))


@mutator
def decision_asks(random: Random, data: Json) -> Expected | None:
    index = pick(random, of_kind(data, "decision"))
    if index is None:
        return None
    data["steps"][index]["expands"] = ["more"]
    data["steps"].append(step("more", type="dynamic"))
    return Expected("cannot-expand", ("steps", index, "expands"))


@mutator
def dropped_name(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    del data["steps"][index]["name"]
    return Expected("missing-field", ("steps", index))


@mutator
def dropped_handler(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    del data["steps"][index]["handler"]
    return Expected("missing-field", ("steps", index))


@mutator
def dropped_callable(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    data["steps"][index]["handler"] = {"initialization": {"a": 1}}
    return Expected("missing-field", ("steps", index, "handler"))


@mutator
def dropped_version(random: Random, data: Json) -> Expected | None:
    del data["version"]
    return Expected("missing-field", ("name",))


@mutator
def both_names(random: Random, data: Json) -> Expected | None:
    index = pick(random, find(data, lambda each: "dependencies" in each))
    if index is None:
        return None
    data["steps"][index]["depends_on"] = list(data["steps"][index]["dependencies"])
    return Expected("two-names", ("steps", index))


@mutator
def same_name(random: Random, data: Json) -> Expected | None:
    name = random.choice(data["steps"])["name"]
    data["steps"].append(step(name, data["steps"][0]["name"]))
    return Expected("duplicate-step", ("steps", len(data["steps"]) - 1, "name"))


@mutator
def taken_name(random: Random, data: Json) -> Expected | None:
    data["steps"].append(step(random.choice(["input", "ctx", "context", "undo:x"]), "begin"))
    return Expected("reserved-name", ("steps", len(data["steps"]) - 1, "name"))


@mutator
def long_name(random: Random, data: Json) -> Expected | None:
    data["steps"].append(step("x" * 129, "begin"))
    return Expected("invalid-name", ("steps", len(data["steps"]) - 1, "name"))


@mutator
def misspelt_parent(random: Random, data: Json) -> Expected | None:
    index = pick(random, find(data, lambda each: "dependencies" in each))
    if index is None:
        return None
    depends = data["steps"][index]["dependencies"]
    position = random.randrange(len(depends))
    depends[position] += "x"
    return Expected("missing-parent", ("steps", index, "dependencies", position))


@mutator
def parent_twice(random: Random, data: Json) -> Expected | None:
    ordinary = find(
        data, lambda each: "dependencies" in each and each.get("type") != "batch_worker"
    )
    index = pick(random, ordinary)
    if index is None:
        return None
    depends = data["steps"][index]["dependencies"]
    depends.append(depends[0])
    return Expected("repeated-parent", ("steps", index, "dependencies", len(depends) - 1))


@mutator
def own_parent(random: Random, data: Json) -> Expected | None:
    index = pick(random, find(data, lambda each: each.get("type") != "dynamic"))
    if index is None:
        return None
    depends = data["steps"][index].setdefault("dependencies", [])
    depends.append(data["steps"][index]["name"])
    return Expected("self-dependency", ("steps", index, "dependencies", len(depends) - 1))


@mutator
def circle(random: Random, data: Json) -> Expected | None:
    index = pick(random, [i for i in of_kind(data, "standard") if descendants(data, i)])
    if index is None:
        return None
    last = data["steps"][random.choice(descendants(data, index))]["name"]
    depends = data["steps"][index].setdefault("dependencies", [])
    depends.append(last)
    return Expected("cycle", ("steps", index, "dependencies", len(depends) - 1))


@mutator
def lone_step(random: Random, data: Json) -> Expected | None:
    data["steps"].append(step("lonely"))
    return Expected("orphan-step", ("steps", len(data["steps"]) - 1))


@mutator
def environment_of_nobody(random: Random, data: Json) -> Expected | None:
    data["environments"]["test"]["steps"].append({"name": "nobody", "timeout_seconds": 3})
    return Expected("unknown-environment-step", ("environments", "test", "steps", 1))


@mutator
def undo_takes_nobody(random: Random, data: Json) -> Expected | None:
    index = pick(random, find(data, lambda each: "compensate" in each))
    if index is None:
        return None
    data["steps"][index]["compensate"]["takes"] = ["begin", "nobody"]
    path = ("steps", index, "compensate", "takes", 1)
    return Expected("compensation-takes-unknown", path)


@mutator
def undo_nothing(random: Random, data: Json) -> Expected | None:
    if any("compensate" in each for each in data["steps"]):
        return None
    data["on_failure"] = "compensate"
    return Expected("nothing-to-undo", ("on_failure",))


@mutator
def decision_for_nobody(random: Random, data: Json) -> Expected | None:
    data["steps"].append(step("whither", "begin", type="decision"))
    return Expected("decision-without-branches", ("steps", len(data["steps"]) - 1))


def told_decision(random: Random, data: Json) -> int | None:
    return pick(
        random, [i for i in of_kind(data, "decision") if "result_schema" in data["steps"][i]]
    )


@mutator
def branch_of_nobody(random: Random, data: Json) -> Expected | None:
    index = told_decision(random, data)
    if index is None:
        return None
    data["steps"][index]["result_schema"]["items"]["enum"].append("nobody")
    return Expected("unknown-branch", ("steps", index, "result_schema"))


@mutator
def branch_that_is_never_chosen(random: Random, data: Json) -> Expected | None:
    index = told_decision(random, data)
    if index is None:
        return None
    lost = data["steps"][index]["result_schema"]["items"]["enum"].pop()
    also = frozenset({"unreachable-step", "never-converges"})
    return Expected("unchosen-branch", ("steps", index_of(data, lost), "dependencies", 0), also)


def closing(data: Json, told: bool) -> Iterator[int]:
    """The convergences of decisions that choose one branch, said so or not."""
    for index in of_kind(data, "deferred_convergence"):
        name = data["steps"][index]["name"].removesuffix("_close")
        of = [each for each in data["steps"] if each["name"] == name]
        if of and told == ("maxItems" in of[0].get("result_schema", {})):
            yield index


@mutator
def needs_two_branches(random: Random, data: Json) -> Expected | None:
    index = pick(random, list(closing(data, told=True)))
    if index is None:
        return None
    del data["steps"][index]["type"]
    return Expected("unreachable-step", ("steps", index), frozenset({"unreachable-step"}))


@mutator
def may_need_two_branches(random: Random, data: Json) -> Expected | None:
    index = pick(
        random, [i for i in closing(data, told=False) if data["name"].startswith("untold")]
    )
    if index is None:
        return None
    del data["steps"][index]["type"]
    return Expected("exclusive-parents", ("steps", index))


def two_branches(random: Random, data: Json) -> list[str] | None:
    index = told_decision(random, data)
    if index is None or "maxItems" not in data["steps"][index]["result_schema"]:
        return None
    return data["steps"][index]["result_schema"]["items"]["enum"][:2]


@mutator
def waits_for_what_cannot_be(random: Random, data: Json) -> Expected | None:
    both = two_branches(random, data)
    if both is None:
        return None
    data["steps"] += [step("both", *both), step("all", "both", type="deferred_convergence")]
    also = frozenset({"unreachable-step"})
    return Expected("never-converges", ("steps", len(data["steps"]) - 1), also)


@mutator
def waits_also_for_what_cannot_be(random: Random, data: Json) -> Expected | None:
    both = two_branches(random, data)
    if both is None:
        return None
    data["steps"] += [
        step("both", *both),
        step("all", both[0], "both", type="deferred_convergence"),
    ]
    path = ("steps", len(data["steps"]) - 1, "dependencies", 1)
    return Expected("waits-in-vain", path, frozenset({"unreachable-step"}))


@mutator
def converges_in_vain(random: Random, data: Json) -> Expected | None:
    data["steps"].append(step("all", "begin", type="deferred_convergence"))
    return Expected("nothing-to-converge", ("steps", len(data["steps"]) - 1))


@mutator
def second_worker(random: Random, data: Json) -> Expected | None:
    index = pick(random, of_kind(data, "batchable"))
    if index is None:
        return None
    data["steps"].append(step("again", "split", type="batch_worker"))
    return Expected("batch-without-worker", ("steps", index))


@mutator
def batch_that_is_none(random: Random, data: Json) -> Expected | None:
    index = pick(random, of_kind(data, "batchable"))
    if index is None:
        return None
    del data["steps"][index]["type"]
    worker = index_of(data, "load")
    path = ("steps", worker, "dependencies")
    return Expected("worker-without-batch", path, frozenset({"contract-misfit"}))


@mutator
def plain_step_gathers(random: Random, data: Json) -> Expected | None:
    index = pick(random, [i for i in of_kind(data, "deferred_convergence")
        if data["steps"][i]["name"] in ("report", "gather")])  # fmt: skip
    if index is None:
        return None
    del data["steps"][index]["type"]
    return Expected("needs-convergence", ("steps", index, "dependencies", 0))


@mutator
def dynamic_that_nobody_asks_for(random: Random, data: Json) -> Expected | None:
    index = pick(random, of_kind(data, "dynamic"))
    if index is None:
        return None
    del data["steps"][0]["expands"]
    return Expected("dynamic-never-asked", ("steps", index))


@mutator
def dynamic_that_is_undone(random: Random, data: Json) -> Expected | None:
    index = pick(random, of_kind(data, "dynamic"))
    if index is None:
        return None
    data["steps"][index]["compensate"] = {"handler": {"callable": "shop.forget"}}
    return Expected("dynamic-compensated", ("steps", index, "compensate"))


def taker(random: Random, data: Json) -> tuple[int, str] | None:
    """An ordinary step, and another whose result it takes."""
    found = [
        (index, name)
        for index in of_kind(data, "standard")
        for name in data["steps"][index].get("input_schema", {}).get("properties", {})
        if name != "input"
    ]
    return random.choice(found) if found else None


@mutator
def takes_what_nobody_gives(random: Random, data: Json) -> Expected | None:
    found = taker(random, data)
    if found is None:
        return None
    data["steps"][found[0]]["input_schema"]["properties"]["nothing"] = {"type": "object"}
    path = ("steps", found[0], "input_schema", "properties", "nothing")
    return Expected("data-without-source", path)


@mutator
def takes_from_afar(random: Random, data: Json) -> Expected | None:
    found = taker(random, data)
    if found is None:
        return None
    far = [each["name"] for each in data["steps"]
        if each["name"] not in (*data["steps"][found[0]]["dependencies"], data["steps"][found[0]]["name"])]  # fmt: skip
    if not far:
        return None
    data["steps"][found[0]]["input_schema"]["properties"][far[0]] = True
    path = ("steps", found[0], "input_schema", "properties", far[0])
    return Expected("undeclared-dependency", path)


@mutator
def takes_more_than_is_given(random: Random, data: Json) -> Expected | None:
    found = taker(random, data)
    if found is None:
        return None
    taken = data["steps"][found[0]]["input_schema"]["properties"][found[1]]
    taken["required"] = [*taken["required"], "coupon"]
    return Expected("contract-misfit", ("steps", found[0], "input_schema", "properties", found[1]))


@mutator
def gives_another_type(random: Random, data: Json) -> Expected | None:
    found = taker(random, data)
    if found is None:
        return None
    taken = data["steps"][found[0]]["input_schema"]["properties"][found[1]]
    name = next(name for name in taken["properties"] if name != "items")
    taken["properties"][name] = {"type": "string"}
    return Expected("contract-misfit", ("steps", found[0], "input_schema", "properties", found[1]))


@mutator
def takes_another_input(random: Random, data: Json) -> Expected | None:
    data["steps"][0]["input_schema"]["properties"]["input"]["required"] = ["order_id", "customer"]
    return Expected("contract-misfit", ("steps", 0, "input_schema", "properties", "input"))


@mutator
def takes_another_item(random: Random, data: Json) -> Expected | None:
    index = pick(random, of_kind(data, "batch_worker"))
    if index is None:
        return None
    data["steps"][index]["input_schema"]["properties"]["split"] = {"type": "string"}
    return Expected("contract-misfit", ("steps", index, "input_schema", "properties", "split"))


@mutator
def takes_one_of_many(random: Random, data: Json) -> Expected | None:
    names = {"report": "load", "gather": "search"}
    index = pick(random, find(data, lambda each: each["name"] in names))
    if index is None:
        return None
    name = names[data["steps"][index]["name"]]
    data["steps"][index]["input_schema"]["properties"][name] = {"type": "integer"}
    return Expected("contract-misfit", ("steps", index, "input_schema", "properties", name))


@mutator
def cannot_be_compared(random: Random, data: Json) -> Expected | None:
    found = taker(random, data)
    if found is None:
        return None
    given, taken = ({"type": "string", "not": {"const": each}} for each in ("A", "B"))
    data["steps"][index_of(data, found[1])]["result_schema"] = given
    for each in data["steps"]:
        fields = each.get("input_schema", {}).get("properties", {})
        if found[1] in fields:
            fields[found[1]] = taken
    path = ("steps", found[0], "input_schema", "properties", found[1])
    return Expected("contract-undecided", path)


@mutator
def requires_what_may_be_missing(random: Random, data: Json) -> Expected | None:
    found = find(data, lambda each: each["name"].endswith("_close"))
    index = pick(random, found)
    if index is None:
        return None
    name = data["steps"][index]["dependencies"][0]
    data["steps"][index]["input_schema"]["required"] = [name]
    return Expected("may-be-missing", ("steps", index, "input_schema", "properties", name))


@mutator
def says_nothing_of_its_result(random: Random, data: Json) -> Expected | None:
    found = taker(random, data)
    if found is None:
        return None
    index = index_of(data, found[1])
    del data["steps"][index]["result_schema"]
    return Expected("no-result-schema", ("steps", index))


@mutator
def says_nothing_of_the_input(random: Random, data: Json) -> Expected | None:
    del data["input_schema"]
    return Expected("no-input-schema", ("name",))


@mutator
def attempt_too_long(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    data["steps"][index] |= {"timeout_seconds": 900, "total_timeout_seconds": 800}
    return Expected("attempt-outlasts-step", ("steps", index, "timeout_seconds"))


@mutator
def attempts_too_many(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    backoff = random.choice(["fixed", "linear", "exponential", "fibonacci"])
    data["steps"][index] |= {
        "retry": {"max_attempts": 50, "backoff": backoff, "backoff_base_ms": 30_000},
        "timeout_seconds": 5,
        "total_timeout_seconds": 600,
    }
    return Expected("retries-outlast-step", ("steps", index, "total_timeout_seconds"))


@mutator
def step_too_long(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    data["lifecycle"] = {"max_duration_minutes": 100}
    for each in data["steps"]:
        each.pop("total_timeout_seconds", None)
    data["steps"][index] |= {"timeout_seconds": 6001}
    return Expected("step-outlasts-task", ("steps", index, "timeout_seconds"))


@mutator
def path_too_long(random: Random, data: Json) -> Expected | None:
    index = pick(random, find(data, lambda each: each.get("dependencies", [""])[0] == "begin"))
    if index is None:
        return None
    data["lifecycle"] = {"max_duration_minutes": 100}
    data["steps"][0]["total_timeout_seconds"] = 3500
    data["steps"][index]["total_timeout_seconds"] = 3500
    return Expected("path-outlasts-task", ("lifecycle", "max_duration_minutes"))


@mutator
def backoff_for_nothing(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    data["steps"][index]["retry"] = {"retryable": False, "backoff": "linear", "backoff_base_ms": 7}
    return Expected("backoff-without-retry", ("steps", index, "retry"))


@mutator
def base_above_cap(random: Random, data: Json) -> Expected | None:
    index = random.randrange(len(data["steps"]))
    data["steps"][index]["retry"] = {"backoff_base_ms": 9000, "max_backoff_ms": 100}
    return Expected("invalid-retry", ("steps", index, "retry"))


@dataclass(frozen=True)
class Cut:
    """What can only be broken in the text itself: `old` becomes `new`, and is told where `marked` stands."""

    code: str
    old: str
    new: str
    marked: str


TEXT: Mapping[str, Cut] = {
    "key_twice": Cut("duplicate-key", "version: ", "name: again\nversion: ", "name: again"),
    "no_yaml": Cut("invalid-yaml", "version: 1.0.0", "version: 1.0.0: 2", "version:"),
    "tag": Cut("unsupported-yaml", "version: ", "version: !!python/name:os.system ", "version:"),
    "no_number": Cut("unsupported-yaml", "minutes: 10000", "minutes: .nan", "minutes:"),
}
