"""Fuzzing that follows coverage, with atheris, of what reads text: `python -m tests.fuzz.guided TARGET [SECONDS]`.

Atheris is no dependency: `make fuzz` installs it. A target takes bytes, and may raise only what it promises.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import atheris

with atheris.instrument_imports(
    include=["tasker", "tasker_orchestration", "tasker_grammar", "yaml", "cronsim"]
):
    import orjson

    from tasker import StepContext, handler
    from tasker.binding import bind_handler, handler_of
    from tasker.durations import to_seconds
    from tasker.errors import ContractError, InvalidInputError, TemplateError
    from tasker.filters import serialize_filter
    from tasker.storable import dumps_anything, serialize
    from tasker.template import StepDefinition
    from tasker.yaml_template import parse_templates
    from tasker_grammar.expressions import Budget, DataError, Expression, check
    from tasker_grammar.expressions.library import FUNCTIONS
    from tasker_grammar.type_algebra import type_of_value, widen
    from tasker_orchestration.fire_times import SpecError, find_fires

NOW = datetime(2026, 2, 3, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
TEMPLATES = [*ROOT.glob("tests/templates/*.yaml"), *ROOT.glob("examples/**/*.yaml")]


def load_template(text: str) -> None:
    """What the loader takes can be stored; what it does not is findings."""
    try:
        for each in parse_templates(text):
            assert isinstance(serialize(dumps_anything, each.template.to_json()), bytes)
    except TemplateError as error:
        assert error.findings


def read_filter(text: str) -> None:
    """A filter is JSON, or refused."""
    with contextlib.suppress(InvalidInputError):
        orjson.loads(serialize_filter(text))


def read_duration(text: str) -> None:
    """A duration is some seconds, or refused."""
    with contextlib.suppress(ValueError):
        assert to_seconds(text) >= 0


def find_times(text: str) -> None:
    """The times of a cron expression, behind its time zone."""
    zone, _, cron = text.partition(" ")
    try:
        fires = list(islice(find_fires({"cron": cron, "time_zone": zone}, NOW), 3))
    except SpecError:
        return
    assert fires == sorted(fires)


@handler("h")
def charge(
    input: dict[str, int | None], cart: list[float], name: str | None = None, ctx: Any = None
) -> dict[str, Any]:
    """Takes a bit of everything."""
    return {"input": input, "cart": cart, "name": name}


BOUND = bind_handler(
    handler_of(charge), StepDefinition("s", "h", depends_on=("cart", "name", "ctx"))
)


def bind_step(text: str) -> None:
    """Values of a grant are what a handler takes, or break its contract."""
    try:
        given = orjson.loads(text)
    except ValueError:
        return
    parts: list[Any] = given if isinstance(given, list) else [given]
    results = dict(zip(("cart", "name", "ctx"), parts[1:], strict=False))
    context = StepContext(
        task_id=UUID(int=1), namespace="n", template="t", version="1", step_name="s",
        task_input=parts[0] if parts else None, results=results,
    )  # fmt: skip
    with contextlib.suppress(ContractError):
        BOUND.dump(charge(**BOUND.bind(context)))


DATA: dict[str, Any] = {"a": [{"k": "x", "n": 1}, {"k": "y", "n": 2.5}], "b": "text", "c": None}
GIVEN = widen(type_of_value(DATA))


def read_expression(text: str) -> None:
    """An expression is sound, and gives JSON or fails as it says; or there are findings."""
    checked = check(text, GIVEN)
    if isinstance(checked, Expression):
        with contextlib.suppress(DataError):
            orjson.dumps(checked.evaluate(DATA, Budget(work=20_000, size=2_000)))
    else:
        assert checked


TARGETS: Mapping[str, tuple[Callable[[str], None], list[str]]] = {
    "loader": (load_template, [file.read_text("utf-8") for file in TEMPLATES]),
    "filter": (
        read_filter,
        ['state=error,x template=a/b tag=c created>2d error~"no \\" money" priority=high'],
    ),
    "duration": (read_duration, ["1h30m", "0.5ms", "3650d"]),
    "schedule": (find_times, ["UTC */5 0-3 L * mon#2", "Europe/Berlin @daily"]),
    "expression": (read_expression, [each.example[0] for each in FUNCTIONS.values()]),
    "binding": (bind_step, ['[{"a": 1, "b": null}, [1.5, 2], "x", {"y": []}]']),
}


def main() -> None:
    """Run one target until its time is over or it fails."""
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    target, seeds = TARGETS[name]
    corpus = ROOT / ".fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_text(seed, "utf-8")

    def run(data: bytes) -> None:
        target(data.decode("utf-8", "replace"))

    limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=8192"]
    prefix = f"-artifact_prefix={corpus.parent}/{name}-"
    atheris.Setup([sys.argv[0], str(corpus), prefix, "-print_final_stats=1", *limits], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
