"""What benchmarks found, as people read it: in 100 columns, the rest is in the JSON. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tasker.cli.tables import make_facts, make_table

Row = Mapping[str, Any]

_PERCENTILES = ("p50", "p95", "p99", "max")
_TIMES = {
    "submit_to_start_ms": "submit to start",
    "submit_to_result_ms": "submit to result",
    "step_to_step_ms": "step to step",
}
MORE = "Versions, settings, memory and more: -o json"


def draw_scenarios(listed: Sequence[Row]) -> RenderableType:
    """Draw the list of scenarios."""
    table = make_table("NAME", "TASKS", "ABOUT")
    for each in listed:
        table.add_row(each["name"], f"{each['tasks']:,}", each["about"])
    return table


def draw_records(records: Sequence[Row]) -> RenderableType:
    """Draw what was found, as Record.to_json gives it: one record as facts, several a line each."""
    ran = [record for record in records if "unsupported" not in record]
    parts: list[RenderableType] = []
    if ran:
        parts += [_draw_one(ran[0]) if len(records) == 1 else _draw_table(ran), _draw_more(ran[0])]
    parts += [
        Text(f"{record['scenario']}: unsupported, {record['unsupported']}", style="yellow")
        for record in records
        if "unsupported" in record
    ]
    return Group(*parts)


def draw_idle(report: Row) -> RenderableType:
    """Draw what an idle system used, as IdleReport.to_json gives it."""
    table = make_table("", "WITHOUT", f"WITH {report['sleeping']:,} ASLEEP")
    both = (report["without"], report["with_sleepers"])
    for who in ("postgres", "orchestrator", "worker"):
        shares = (100 * each[f"{who}_cpu"] / report["seconds"] for each in both)
        table.add_row(f"{who}, % of a core", *(f"{share:.2f}" for share in shares))
    for key in ("submit_to_start_ms", "step_to_step_ms"):
        for at in _PERCENTILES:
            table.add_row(f"{_TIMES[key]} {at}, ms", *(_write(each[key][at]) for each in both))
    return Group(table, _draw_more(report))


def _draw_one(record: Row) -> RenderableType:
    cost, ratio = record["cost"], record.get("ratio")
    beside = "" if ratio is None else f", {ratio:g} of bare pgmq's {record['raw_pgmq_rate']:,.0f}"
    facts = [
        ("scenario", f"{record['scenario']}, {record['executor']}"),
        (
            "run",
            f"{record['tasks']:,} tasks, {record['steps']:,} steps, {_write(record['seconds'])} s",
        ),
        ("rate", f"{record['rate']:,.0f} steps/s{beside}"),
        (
            "CPU of a step",
            f"database {_write(cost['database_cpu_us'])} µs, client {_write(cost['client_cpu_us'])} µs",
        ),
        (
            "database, a step",
            f"{_write(cost['wal_bytes'])} bytes of WAL, {_write(cost['commits'])} commits",
        ),
    ]
    for key, name in _TIMES.items():
        if times := record.get(key):
            facts.append(
                (f"{name}, ms", "  ".join(f"{p} {_write(times[p])}" for p in _PERCENTILES))
            )
    return make_facts(facts)


def _draw_table(records: Sequence[Row]) -> RenderableType:
    table = make_table(
        "SCENARIO", "STEPS", "SECONDS", "STEPS/S", "OF PGMQ", "DATABASE µs/STEP", "CLIENT µs/STEP"
    )
    for record in records:
        cost = record["cost"]
        figures = (record["steps"], record["seconds"], record["rate"], record.get("ratio"))
        used = (cost["database_cpu_us"], cost["client_cpu_us"])
        table.add_row(record["scenario"], *map(_write, (*figures, *used)))
    return table


def _draw_more(record: Row) -> RenderableType:
    server = record["server"]
    return Text(
        f"PostgreSQL {server['version']}, fsync {server['fsync']}. {MORE}",
        style="dim",
    )


def _write(value: float | None) -> str:
    """Write a figure with what of its digits can mean something; - for one that could not be measured."""
    match value:
        case None:
            return "-"
        case float() if abs(value) < 1000:
            return f"{value:,.3f}".rstrip("0").rstrip(".")
        case _:
            return f"{value:,.0f}"
