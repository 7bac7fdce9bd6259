"""A worker in a process of its own, which runs a composition that writes here and elsewhere, to be killed in it."""

import os
import sys
from typing import Any

import anyio

from tasker import Retry, Worker, Workflow, action
from tasker_grammar.composition import Composition
from tasker_grammar.resources import Event, Resources, Secret, Table

LEASE = "2s"
RETRY = Retry(max_attempts=20, backoff="fixed", base="50ms", cap="50ms")
ROW: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["id", "note"],
    "additionalProperties": False,
}
PAYLOAD: dict[str, Any] = {"type": "object", "additionalProperties": True}
RESOURCES = Resources(
    tables={
        "here": Table(table="written", row=ROW, key=("id",)),
        "elsewhere": Table(
            table="written",
            row=ROW,
            key=("id",),
            database=Secret.model_validate({"$secret": "elsewhere"}),
        ),
    },
    events={"told": Event(payload=PAYLOAD)},
)


def _write(id: str, number: int, table: str = "here", after: str | None = None) -> dict[str, Any]:
    needs = {"needs": [after]} if after else {}
    row = f'{{id: {number}, note: "\\(.input)"}}'
    return {"id": id, "kind": "persist", "resource": table, "mode": "upsert", "row": row, **needs}


WRITES = Composition.model_validate(
    {
        "name": "writes",
        "steps": [
            _write("first", 1),
            _write("second", 2, "elsewhere", after="first"),
            _write("third", 3, after="second"),
            {
                **{"id": "told", "kind": "emit", "event": "told", "needs": ["third"]},
                "payload": "{changed: .third.changed}",
            },
            _write("last", 4, after="told"),
            {
                "id": "end",
                "kind": "transform",
                "value": "[.first, .second, .third, .last] | length",
            },
        ],
        "result": "end",
    }
)

READS = Composition.model_validate(
    {
        "name": "reads",
        "steps": [
            {"id": "who", "kind": "invoke", "action": "who", "input": ".input"},
            {
                **{"id": "written", "kind": "persist", "resource": "elsewhere", "mode": "upsert"},
                "row": "{id: 2, note: .who}",
            },
            {"id": "end", "kind": "transform", "value": ".who", "needs": ["written"]},
        ],
        "result": "end",
    }
)


@action("who", effect="read")
def who(input: str) -> str:
    """Something that is not the same in another run."""
    return str(os.getpid())


flow = Workflow("crash_composed", namespace="crash", version="1", input=int, resources=RESOURCES)
flow.compose(
    "composed",
    WRITES,
    input=".input | tostring",
    retry=RETRY,
)
reading = Workflow(
    "crash_reading", namespace="crash", version="1", input=int, resources=RESOURCES, actions=[who]
)
reading.compose("composed", READS, input=".input | tostring", retry=RETRY)


if __name__ == "__main__":
    anyio.run(Worker(flow, reading, url=sys.argv[1], lease=LEASE).run)
