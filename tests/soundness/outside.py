"""Resources made by chance: what a generated program may name. Pure."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.soundness.shapes import Shape, closed, make_array, make_object, make_scalar, make_shape

from tasker_grammar.resources import Action, Endpoint, Event, Resources, Secret, Table

LABELS = ("public", "internal", "secret")


def make_resources(chance: Random, labelled: bool = False) -> Resources:
    """Endpoints, tables, events, actions and named schemas. `labelled`: some say how confidential they are."""
    labels = LABELS if labelled else ()
    return Resources(
        endpoints={f"source_{n}": _endpoint(chance, labels) for n in range(3)},
        tables={f"table_{n}": _table(chance, labels) for n in range(2)},
        events={f"event_{n}": _event(chance, labels) for n in range(2)},
        actions={f"action_{n}": _action(chance) for n in range(2)},
        schemas={f"shape_{n}": make_object(chance) for n in range(3)},
        labels=labels,
    )


def _endpoint(chance: Random, labels: tuple[str, ...]) -> Endpoint:
    result: Shape = make_array(chance, 3) if chance.random() < 0.5 else make_object(chance, 3)
    if chance.random() < 0.15:
        result = True
    return Endpoint(
        base_url="https://example.com",
        params=make_object(chance, 1) if chance.random() < 0.8 else closed({}),
        result=result,
        label=chance.choice(labels) if labels else None,
    )


def _table(chance: Random, labels: tuple[str, ...]) -> Table:
    columns: dict[str, Shape] = {"id": make_scalar(chance, chance.choice(("integer", "string")))}
    for name in chance.sample(("name", "total", "status", "note"), 2):
        columns[name] = make_shape(chance, 0)
    return Table(
        database=Secret(**{"$secret": "other"}) if chance.random() < 0.3 else None,
        table="rows",
        row=closed(
            columns, frozenset(name for name in columns if name != "id" and chance.random() < 0.3)
        ),
        key=("id",),
        max_rows=chance.choice((5, 1_000)),
        accepts=chance.choice(labels) if labels else None,
    )


def _event(chance: Random, labels: tuple[str, ...]) -> Event:
    return Event(payload=make_object(chance, 1), accepts=chance.choice(labels) if labels else None)


def _action(chance: Random) -> Action:
    effects: Any = ("pure", "read", "idempotent_write")
    return Action(
        handler="handler",
        effect=chance.choice(effects),
        input=make_object(chance, 1),
        result=make_shape(chance, 2),
        failures=("OutOfStock",),
    )
