"""Good templates of many shapes, as the data of their YAML. Every step comes after those that it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Json = dict[str, Any]

WORDS = ("amount", "count", "total", "weight", "stock", "rank")


def schema(random: Random, *more: str) -> Json:
    """An object with a few fields, all of them there."""
    names = [*random.sample(WORDS, random.randint(1, 3)), *more]
    fields: Json = {name: {"type": "integer", "minimum": 0} for name in names}
    if random.random() < 0.5:
        item = {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}
        fields["items"] = {"type": "array", "items": item}
    return {"type": "object", "required": list(fields), "properties": fields}


def step(name: str, *parents: str, **fields: Any) -> Json:
    handler = {"callable": f"shop.{name}"}
    depends = {"dependencies": list(parents)} if parents else {}
    return {"name": name, "handler": handler, **depends, **fields}


def takes(required: bool = True, **fields: Any) -> Json:
    """What a step takes; `required` is for all fields but the results that may be missing."""
    return {
        "type": "object",
        "properties": fields,
        **({"required": list(fields)} if required else {}),
    }


def policies(random: Random) -> Json:
    """Retries and limits that go together."""
    given: Json = {}
    if random.random() < 0.6:
        given["retry"] = {"max_attempts": random.randint(2, 6), "backoff": "exponential"}
    if random.random() < 0.6:
        given["timeout_seconds"] = random.choice([5, 30])
        given["total_timeout_seconds"] = 600
    if random.random() < 0.3:
        given["queue"] = random.choice(["slow", "fast_1"])
    if random.random() < 0.2:
        given["limits"] = [{"name": "gateway", "concurrency": random.randint(1, 9)}]
    return given


def first(random: Random) -> Json:
    taken = takes(input={"type": "object", "required": ["order_id"]})
    return step("begin", input_schema=taken, result_schema=schema(random, "n"), **policies(random))


def follow(random: Random, name: str, *parents: Json, **fields: Any) -> Json:
    """An ordinary step that takes what its parents give, as they give it."""
    taken = takes(**{p["name"]: p["result_schema"] for p in parents if "result_schema" in p})
    names = [parent["name"] for parent in parents]
    result = schema(random)
    return step(
        name, *names, input_schema=taken, result_schema=result, **policies(random), **fields
    )


def chain(random: Random) -> list[Json]:
    steps = [first(random)]
    for number in range(random.randint(2, 7)):
        steps.append(follow(random, f"link_{number}", steps[-1]))
    return steps


def diamond(random: Random) -> list[Json]:
    begin = first(random)
    sides = [follow(random, f"side_{n}", begin) for n in range(random.randint(2, 5))]
    return [begin, *sides, follow(random, "join", *sides)]


def layers(random: Random) -> list[Json]:
    before = [first(random)]
    steps = list(before)
    for level in range(random.randint(2, 4)):
        row = [
            follow(random, f"row_{level}_{n}", *random.sample(before, min(len(before), 2)))
            for n in range(random.randint(2, 4))
        ]
        steps += row
        before = row
    return [*steps, follow(random, "end", *before)]


def choose(
    random: Random, name: str, before: Json, several: bool, told: bool
) -> tuple[Json, list[Json], Json]:
    """A decision, its branches, and the convergence that goes on with those that came to be."""
    names = [f"{name}_{n}" for n in range(random.randint(2, 4))]
    answer: Json = {"type": "array", "items": {"enum": names}}
    if not several:
        answer["maxItems"] = 1
    about = {"result_schema": answer} if told else {}
    decision = step(name, before["name"], type="decision", **about)
    branches = [step(each, name, result_schema=schema(random)) for each in names]
    taken = takes(required=False, **{b["name"]: b["result_schema"] for b in branches})
    close = step(
        f"{name}_close",
        *names,
        type="deferred_convergence",
        input_schema=taken,
        result_schema=schema(random),
    )
    return decision, branches, close


def decision(random: Random) -> list[Json]:
    begin = first(random)
    choice, branches, close = choose(random, "route", begin, several=False, told=True)
    return [begin, choice, *branches, close, follow(random, "end", close)]


def untold(random: Random) -> list[Json]:
    begin = first(random)
    choice, branches, close = choose(random, "pick", begin, several=False, told=False)
    return [begin, choice, *branches, close]


def several(random: Random) -> list[Json]:
    begin = first(random)
    choice, branches, close = choose(random, "pick", begin, several=True, told=True)
    return [begin, choice, *branches, close]


def nested(random: Random) -> list[Json]:
    begin = first(random)
    outer, branches, close = choose(random, "outer", begin, several=False, told=True)
    inner, twigs, join = choose(random, "inner", branches[0], several=False, told=True)
    close["dependencies"].append(join["name"])
    close["input_schema"]["properties"][join["name"]] = join["result_schema"]
    return [begin, outer, *branches, inner, *twigs, join, close]


def batch(random: Random) -> list[Json]:
    begin = first(random)
    item = schema(random)
    split = step("split", "begin", type="batchable", result_schema={"type": "array", "items": item})
    result = schema(random)
    goes_on = random.random() < 0.5
    load = step(
        "load",
        "split",
        type="batch_worker",
        batch_config={
            "parallelism": 4,
            "failure_strategy": "continue_on_failure" if goes_on else "isolate",
        },
        input_schema=takes(split=item),
        result_schema=result,
    )
    all_of_it: Json = {"type": "array", "items": result}
    if goes_on:
        all_of_it = {
            "type": "object",
            "required": ["results"],
            "properties": {"results": all_of_it},
        }
    report = step("report", "load", type="deferred_convergence", input_schema=takes(load=all_of_it))
    return [begin, split, load, report]


def dynamic(random: Random) -> list[Json]:
    begin = {**first(random), "expands": ["search"]}
    result = schema(random)
    search = step("search", type="dynamic", expands=["search"], result_schema=result)
    gather = step(
        "gather",
        "search",
        type="deferred_convergence",
        input_schema=takes(search={"type": "array", "items": result}),
    )
    return [begin, search, gather, follow(random, "end", begin)]


def undone(random: Random) -> list[Json]:
    steps = chain(random)
    for each in steps[1:]:
        each["compensate"] = {"handler": {"callable": f"shop.undo_{each['name']}"}, "takes": []}
    return steps


SHAPES: Sequence[Callable[[Random], list[Json]]] = (
    chain,
    diamond,
    layers,
    decision,
    untold,
    several,
    nested,
    batch,
    dynamic,
    undone,
)


def make(shape: Callable[[Random], list[Json]], seed: int) -> Json:
    """A whole template of a shape."""
    random = Random(f"{shape.__name__} {seed}")
    steps = shape(random)
    about: Json = {
        "name": f"{shape.__name__}_{seed}",
        "namespace_name": "shop",
        "version": "1.0.0",
        "description": "made for a test",
        "input_schema": {
            "type": "object",
            "required": ["order_id"],
            "properties": {"order_id": {"type": "string"}},
        },
        "lifecycle": {"max_duration_minutes": 10_000},
    }
    if shape is undone:
        about["on_failure"] = "compensate"
    changed = random.choice(steps)["name"]
    about["steps"] = steps
    about["environments"] = {"test": {"steps": [{"name": changed, "timeout_seconds": 5}]}}
    return about
