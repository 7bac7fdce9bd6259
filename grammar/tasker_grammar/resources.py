"""Resources: what the outside looks like to compositions. Endpoints to read, tables to write, events to send.
Pure.

A composition names what stands here and nothing else: no address, no SQL, no secret can be written into one. A
secret stands here as `{"$secret": name}`, and is looked up where a step runs. `sdk/tasker/actions` is what uses these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

__all__ = [
    "Action",
    "Endpoint",
    "Event",
    "Pages",
    "Resource",
    "Resources",
    "Secret",
    "Table",
]

JsonSchema = dict[str, Any] | bool

LONGEST_QUEUE = 40
"""How many characters the name of a queue may have, and so that of an event which names no queue."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Secret(_Fields):
    """Stands for a secret's value, which is looked up where it is used and stored nowhere."""

    name: str = Field(alias="$secret", pattern=r"^[A-Za-z][A-Za-z0-9_./-]{0,127}$")


Text = str | Secret


class Pages(_Fields):
    """How an endpoint gives a list in parts. The parts are put together; more than `most` are a failure, TOO_LARGE.

    link: the next address stands in the `Link` header, rel="next", and must be of the same origin. cursor: the
    answer has the next cursor at `cursor_field` (null or absent at the end), sent back as `parameter`. number: pages
    are counted in `parameter` from `first`, until one is empty. `items_field`: where in an answer the list stands;
    absent: it is the answer. Both fields may lie deeper: "meta.next".
    """

    style: Literal["link", "cursor", "number"]
    most: int = Field(default=20, ge=1, le=1_000)
    parameter: str | None = None
    cursor_field: str | None = None
    items_field: str | None = None
    first: int = 1


class _Labelled(_Fields):
    description: str = ""
    label: Label | None = None
    """How confidential what comes from here is: one of the labels of all resources."""
    accepts: Label | None = None
    """The most confidential label that may flow to here. None: only what has no label, or the most public one."""


class Endpoint(_Labelled):
    """An HTTP address to read from. `params` is what a composition gives: an object, whose fields fill `{holes}` in
    the path; all others are sent as the query. `result` is the contract of what comes back (of one page's items,
    with `pages`: of the list).
    """

    kind: Literal["endpoint"] = "endpoint"
    base_url: Text
    path: str = Field(default="/", pattern=r"^/")
    method: Literal["GET", "HEAD"] = "GET"
    params: JsonSchema = Field(
        default_factory=lambda: {"type": "object", "additionalProperties": False}
    )
    result: JsonSchema = True
    headers: Mapping[str, Text] = Field(default_factory=dict)
    timeout: float = Field(default=10, gt=0, le=300)
    """Seconds for the whole exchange, of one page."""
    max_bytes: int = Field(default=1_000_000, ge=1, le=16_000_000)
    pages: Pages | None = None
    private_hosts: tuple[str, ...] = ()
    """Hosts, as "host:port", that may be reached though their addresses are not public."""


class Table(_Labelled):
    """A table in PostgreSQL to write to. `row` is the contract of a row: a closed object of the columns that may be
    given.

    `key`: the columns that tell rows apart; the table has a unique index over them. `database`: None is the database
    that Tasker lives in, where a write commits together with its step; else a connection string, as a secret.
    """

    kind: Literal["table"] = "table"
    database: Secret | None = None
    schema_name: str = Field(default="public", alias="schema")
    table: str
    row: JsonSchema
    key: tuple[str, ...] = Field(min_length=1)
    modes: tuple[Literal["insert_once", "upsert", "update"], ...] = (
        "insert_once",
        "upsert",
        "update",
    )
    max_rows: int = Field(default=1_000, ge=1, le=100_000)


class Event(_Labelled):
    """Something to be told to whoever listens: a row, delivered through a pgmq queue, once for each key."""

    kind: Literal["event"] = "event"
    payload: JsonSchema
    queue: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """The pgmq queue; the event's own name by default."""


class Action(_Labelled):
    """A developer's handler that compositions may invoke: `input` and `result` are its contracts."""

    kind: Literal["action"] = "action"
    handler: str
    effect: Literal["pure", "read", "idempotent_write"]
    input: JsonSchema
    result: JsonSchema
    failures: tuple[str, ...] = ()
    """The names of the permanent errors that it declares."""


Resource = Annotated[Endpoint | Table | Event | Action, Field(discriminator="kind")]


class Resources(_Fields):
    """Everything that compositions may name, by name. `labels` are ordered, the most public first."""

    endpoints: Mapping[Name, Endpoint] = Field(default_factory=dict)
    tables: Mapping[Name, Table] = Field(default_factory=dict)
    events: Mapping[Name, Event] = Field(default_factory=dict)
    actions: Mapping[Name, Action] = Field(default_factory=dict)
    schemas: Mapping[Name, JsonSchema] = Field(default_factory=dict)
    """Contracts by name, for `validate` and `transform`."""
    labels: tuple[Label, ...] = ()

    @field_validator("events")
    @classmethod
    def _name_queues(cls, events: Mapping[str, Event]) -> Mapping[str, Event]:
        faults = [
            InitErrorDetails(type=_too_long(name), loc=(name,), input=name)
            for name, event in events.items()
            if event.queue is None and len(name) > LONGEST_QUEUE
        ]
        if faults:
            raise ValidationError.from_exception_data("events", faults)
        return events


def _too_long(name: str) -> PydanticCustomError:
    hint = f"Give it a shorter name, or a `queue:` of at most {LONGEST_QUEUE} characters."
    what = "{name} is too long for the name of a queue"
    return PydanticCustomError("queue_name", what, {"name": name, "hint": hint})
