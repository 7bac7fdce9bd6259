"""The compositions that come with Tasker, as functions: each gives the composition with its parameters filled in.

What it gives is for `Workflow.compose`. An expression is a text in jq; a number or a truth value stands for itself. All
raise `DefinitionError` for arguments that do not fit. Written by checks/docs.py --write from the catalog's files; do
not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tasker.compositions import ExpressionText, SchemaLike, bind
from tasker_grammar.composition import Composition

__all__ = [
    "aggregate_report",
    "approve_then_persist",
    "dedupe",
    "enrich_each",
    "fetch_json",
    "fetch_paginated",
    "fetch_validate",
    "import_partition",
    "notify",
    "reconcile",
    "save_rows",
    "sync_upsert",
    "threshold_route",
]


def aggregate_report(*, rows: ExpressionText) -> Composition:
    """Sums up a list by groups.

    Use it to turn rows into figures for people. It gives {count, sum, groups: [{group, count, sum, min, max,
    average, share}]}, the largest group first.

    rows: The list, as {group: text, amount: number}. An expression; it sees .input.
    """
    return bind("aggregate_report@1.0.0", {"rows": rows})


def approve_then_persist(
    *,
    title: ExpressionText,
    table: str,
    row: ExpressionText,
    show: ExpressionText = ".input",
    approvers: list[str] | None = None,
    timeout: str | float = "7d",
    mode: Literal["upsert", "insert_once", "update"] = "upsert",
) -> Composition:
    """Asks a person, and writes a row only once that person has said yes.

    No answer in time ends it with EXPIRED, a no with REJECTED; then nothing is written. It gives {by, at, note,
    changed}.

    title: What is asked, in one line. An expression; it sees .input.
    show: What the person is shown to decide by. By default the input. An expression; it sees .input.
    approvers: Who may answer. By default whoever may answer at all.
    timeout: How long to wait for an answer.
    table: The table to write to. Its name.
    mode: upsert: add or change. insert_once: add only, and leave what is there. update: change only.
    row: The row to write. An expression; it sees .input, and .approval ({approved, by, at, note}).
    """
    return bind(
        "approve_then_persist@1.0.0",
        {
            "title": title,
            "show": show,
            "approvers": approvers,
            "timeout": timeout,
            "table": table,
            "mode": mode,
            "row": row,
        },
    )


def dedupe(*, items: ExpressionText) -> Composition:
    """Keeps the first item of each key in a list, and tells which keys there were several of.

    Use it before a write, where the same thing may have been delivered twice. It gives {items, dropped, duplicates:
    [{key, count}]}, items in the order of their keys.

    items: The list, each item with its key: a list of {key, item}. An expression; it sees .input.
    """
    return bind("dedupe@1.0.0", {"items": items})


def enrich_each(
    *,
    source: str,
    params: ExpressionText,
    over: ExpressionText = ".input",
    value: ExpressionText = "{item: .item, found: .found}",
    max_items: int = 100,
    concurrency: int = 4,
    on_item_error: Literal["fail", "skip"] = "fail",
) -> Composition:
    """Reads an endpoint once for each item of a list, several at a time, and puts item and answer together.

    Use it to add what another service knows. The order is kept. With `on_item_error` skip, items whose read fails
    are left out, and it gives {results, failed}.

    over: The list. An expression; it sees .input.
    source: The endpoint to read for each item. Its name.
    params: What the endpoint is asked for. An object, as its params say. An expression; it sees .item, .index and
        .input.
    value: What to give for an item. An expression; it sees .item, .index, .input, and .found (the answer).
    max_items: The most items that the list may have. More end it with TOO_WIDE.
    concurrency: How many items are worked on at a time.
    on_item_error: fail: an item that fails ends it. skip: it is left out, and listed.
    """
    return bind(
        "enrich_each@1.0.0",
        {
            "over": over,
            "source": source,
            "params": params,
            "value": value,
            "max_items": max_items,
            "concurrency": concurrency,
            "on_item_error": on_item_error,
        },
    )


def fetch_json(
    *, source: str, params: ExpressionText = "{}", value: ExpressionText = ".fetched"
) -> Composition:
    """Reads one endpoint and gives what it answers, or the part of it that you ask for.

    Use it to get data from an HTTP service. It only reads, so it may be tried again at any time.

    source: The endpoint to read. Its name.
    params: What the endpoint is asked for. An object, as its params say. An expression; it sees .input.
    value: What to give of the answer. By default all of it. An expression; it sees .input, and .fetched (the
        answer).
    """
    return bind("fetch_json@1.0.0", {"source": source, "params": params, "value": value})


def fetch_paginated(
    *,
    source: str,
    params: ExpressionText = "{}",
    items: ExpressionText = ".fetched",
    most: ExpressionText = "10000",
) -> Composition:
    """Reads a list from an endpoint that gives it page by page, and keeps what you ask for.

    The endpoint's `pages` says how pages follow each other, and how many are read at most. More items than `most`
    end it with TOO_MANY. It gives {items, count}.

    source: The endpoint to read. Its result is a list; with `pages`, that of all pages. Its name.
    params: What the endpoint is asked for. An object, as its params say. An expression; it sees .input.
    items: The list to give. By default all of it. An expression; it sees .input, and .fetched (the list).
    most: The most items that there may be. An expression; it sees .input, and .fetched.
    """
    return bind(
        "fetch_paginated@1.0.0", {"source": source, "params": params, "items": items, "most": most}
    )


def fetch_validate(
    *,
    source: str,
    schema: SchemaLike,
    params: ExpressionText = "{}",
    value: ExpressionText = ".fetched",
    on_failure: Literal["fail", "partition"] = "fail",
) -> Composition:
    """Reads one endpoint and holds the answer against a contract.

    Use it where the endpoint promises little, or less than you need. What it gives is what the contract says. With
    `on_failure` partition it takes a list, and gives the items that keep the contract apart from those that do not.

    source: The endpoint to read. Its name.
    params: What the endpoint is asked for. An object, as its params say. An expression; it sees .input.
    value: What is held against the contract. By default the whole answer. An expression; it sees .input, and
        .fetched (the answer).
    schema: The contract. With partition, that of an item.
    on_failure: fail: a misfit ends it with VALIDATION_FAILED. partition: give {valid, invalid}.
    """
    return bind(
        "fetch_validate@1.0.0",
        {
            "source": source,
            "params": params,
            "value": value,
            "schema": schema,
            "on_failure": on_failure,
        },
    )


def import_partition(
    *,
    schema: SchemaLike,
    table: str,
    event: str,
    items: ExpressionText = ".input",
    mode: Literal["upsert", "insert_once", "update"] = "upsert",
    rows: ExpressionText = ".checked.valid",
    payload: ExpressionText = "{count: (.checked.invalid | length), places: [.checked.invalid[].index]}",
) -> Composition:
    """Writes the items of a list that keep a contract into a table, and sends one event about the others.

    Use it to import what others deliver: one bad row does not keep the rest away. It gives {rows, changed,
    invalid}, all of them counts.

    items: The list to import. An expression; it sees .input.
    schema: The contract of an item.
    table: The table to write to. Its name.
    mode: upsert: add and change. insert_once: add only, and leave what is there. update: change only.
    rows: The rows to write. By default the items that keep the contract. An expression; it sees .input, and
        .checked ({valid: [item], invalid: [{index, value, errors}]}).
    event: The event that tells of the items that do not keep it. Its name.
    payload: What the event carries. By default how many there are, and which, by their places in the list. An
        expression; it sees .input, and .checked ({valid: [item], invalid: [{index, value, errors}]}).
    """
    return bind(
        "import_partition@1.0.0",
        {
            "items": items,
            "schema": schema,
            "table": table,
            "mode": mode,
            "rows": rows,
            "event": event,
            "payload": payload,
        },
    )


def notify(
    *,
    event: str,
    payload: ExpressionText = ".input",
    key: ExpressionText | None = None,
    when: ExpressionText = "true",
) -> Composition:
    """Sends an event, if a condition holds, once for its key however often it is tried.

    Use it to tell other systems, or the people behind them, that something happened. It gives {sent, event_id};
    event_id is null where nothing was to be sent.

    event: The event to send. Its name.
    payload: What it carries. By default the input. An expression; it sees .input.
    key: A text by which the same event is known again. By default, one for each run. An expression; it sees .input.
    when: Whether to send it. By default always. An expression; it sees .input.
    """
    return bind("notify@1.0.0", {"event": event, "payload": payload, "key": key, "when": when})


def reconcile(
    *,
    left: str,
    right: str,
    left_params: ExpressionText = "{}",
    left_rows: ExpressionText = ".left",
    right_params: ExpressionText = "{}",
    right_rows: ExpressionText = ".right",
    tolerance: ExpressionText = "0",
    accept: ExpressionText = ".report.balanced",
) -> Composition:
    """Reads two endpoints, sums up amounts by key on both sides, and says where they differ by more than a tolerance.

    What `accept` does not accept ends it with UNBALANCED. It gives {balanced, matched, left_total, right_total,
    differences: [{key, left, right, difference}]}. A key that one side lacks has null there. Count money in cents:
    then sums are exact.

    left: The one endpoint. Its name.
    left_params: What it is asked for. An expression; it sees .input.
    left_rows: Its amounts, as a list of {key: text, amount: number}. An expression; it sees .input, and .left (its
        answer).
    right: The other endpoint. Its name.
    right_params: What it is asked for. An expression; it sees .input.
    right_rows: Its amounts, as a list of {key: text, amount: number}. An expression; it sees .input, and .right
        (its answer).
    tolerance: By how much the sums of a key may differ. An expression; it sees .input.
    accept: Whether the outcome is accepted. By default, if it is balanced. An expression; it sees .input, and
        .report (the outcome).
    """
    return bind(
        "reconcile@1.0.0",
        {
            "left": left,
            "left_params": left_params,
            "left_rows": left_rows,
            "right": right,
            "right_params": right_params,
            "right_rows": right_rows,
            "tolerance": tolerance,
            "accept": accept,
        },
    )


def save_rows(
    *,
    table: str,
    rows: ExpressionText = ".input",
    mode: Literal["upsert", "insert_once", "update"] = "upsert",
) -> Composition:
    """Writes rows into a table: all of them, or none.

    Use it to store what a task was given, or what an earlier step made. Rows that are the same already are not
    changed. It gives {rows, changed}.

    rows: The rows to write. By default the input. An expression; it sees .input.
    table: The table to write to. Its name.
    mode: upsert: add and change. insert_once: add only, and leave what is there. update: change only.
    """
    return bind("save_rows@1.0.0", {"rows": rows, "table": table, "mode": mode})


def sync_upsert(
    *,
    source: str,
    table: str,
    params: ExpressionText = "{}",
    rows: ExpressionText = ".fetched",
    mode: Literal["upsert", "insert_once", "update"] = "upsert",
) -> Composition:
    """Reads rows from an endpoint and writes them into a table: all of them, or none.

    Run it again and again to keep the table as the endpoint has it. Rows that are the same already are not changed.
    It gives {rows, changed}.

    source: The endpoint to read. Its name.
    params: What the endpoint is asked for. An object, as its params say. An expression; it sees .input.
    rows: The rows to write. By default the answer. An expression; it sees .input, and .fetched (the answer).
    table: The table to write to. Its name.
    mode: upsert: add and change. insert_once: add only, and leave what is there. update: change only.
    """
    return bind(
        "sync_upsert@1.0.0",
        {"source": source, "params": params, "rows": rows, "table": table, "mode": mode},
    )


def threshold_route(
    *,
    value: ExpressionText,
    threshold: ExpressionText,
    above: str,
    below: str,
    above_with: Mapping[str, Any] | None = None,
    below_with: Mapping[str, Any] | None = None,
) -> Composition:
    """Compares a number with a threshold, and runs one of two compositions: `above` if it is greater, else `below`.

    Use it to treat large cases otherwise than small ones. Both see the input. It gives {branch, value, result}.

    value: The number. An expression; it sees .input.
    threshold: What it is compared with. An expression; it sees .input.
    above: What is run if the number is greater.
    above_with: What that composition is given.
    below: What is run otherwise.
    below_with: What that composition is given.
    """
    return bind(
        "threshold_route@1.0.0",
        {
            "value": value,
            "threshold": threshold,
            "above": above,
            "above_with": above_with,
            "below": below,
            "below_with": below_with,
        },
    )
