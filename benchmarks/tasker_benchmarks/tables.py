"""Results as tables in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tasker_benchmarks.results import Figure, Results, group, median

__all__ = ["write_tables"]

_COSTS = (
    ("database CPU µs", "database_cpu_us", 1),
    ("client CPU µs", "client_cpu_us", 1),
    ("commits", "commits", 3),
    ("statements", "statements", 3),
    ("WAL bytes", "wal_bytes", 0),
    ("client MB", "client_memory_mb", 0),
)


def write_tables(results: Results) -> str:
    """All tables of a file of results."""
    parts: list[str] = []
    if results.records:
        parts += [
            "## Steps a second\n\nThe median of the runs, and in how many parts of Tasker's rate that is.\n",
            _rates(results.records),
            "## Latency in ms: p50 / p95 / p99\n",
            _latencies(results.records),
            "## What a step costs\n",
            _costs(results.records),
        ]
    for study in dict.fromkeys(figure.study for figure in results.figures):
        parts += [f"## {study}\n", _study([f for f in results.figures if f.study == study])]
    return "\n".join(parts)


def _rates(records: Iterable[dict[str, Any]]) -> str:
    grouped = group(records)
    executors = list(dict.fromkeys(name for runs in grouped.values() for name in runs))
    rows = [["scenario", *executors]]
    notes: list[str] = []
    for scenario, runs in grouped.items():
        ours = median(runs.get("tasker", []), "rate")
        row = [scenario]
        for executor in executors:
            rate = median(runs.get(executor, []), "rate")
            if rate is None:
                row.append("–")
                notes += [
                    f"- {scenario}, {executor}: {r['unsupported']}" for r in runs.get(executor, [])
                ]
                continue
            share = "" if executor == "tasker" or not ours else f" ({rate / ours:.2f})"
            row.append(f"{rate:,.0f}{share}")
        rows.append(row)
    return _table(rows) + "\n" + "\n".join(notes) + ("\n" if notes else "")


def _latencies(records: Iterable[dict[str, Any]]) -> str:
    kinds = ("submit_to_start_ms", "submit_to_result_ms", "step_to_step_ms")
    rows = [
        ["scenario", "executor", *(kind.removesuffix("_ms").replace("_", " ") for kind in kinds)]
    ]
    for scenario, runs in group(records).items():
        for executor, of in runs.items():
            times = [_percentiles(of, kind) for kind in kinds]
            if any(times):
                rows.append([scenario, executor, *(text or "–" for text in times)])
    return _table(rows)


def _percentiles(runs: Sequence[dict[str, Any]], kind: str) -> str:
    values = [median(runs, kind, p) for p in ("p50", "p95", "p99")]
    return " / ".join(f"{value:,.1f}" for value in values if value is not None)


def _costs(records: Iterable[dict[str, Any]]) -> str:
    rows = [["scenario", "executor", *(title for title, _, _ in _COSTS)]]
    for scenario, runs in group(records).items():
        for executor, of in runs.items():
            if median(of, "rate") is None:
                continue
            values = [(median(of, "cost", name), digits) for _, name, digits in _COSTS]
            rows.append(
                [scenario, executor, *("–" if v is None else f"{v:,.{d}f}" for v, d in values)]
            )
    return _table(rows)


def _study(figures: Sequence[Figure]) -> str:
    rows = [["series", "at", "value", "unit"]]
    for figure in figures:
        at = "" if figure.x is None else f"{figure.x:,g}"
        rows.append([figure.series, at, f"{figure.value:,.4g}", figure.unit])
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
