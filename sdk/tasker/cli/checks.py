"""What `tasker doctor` makes of what it finds. Pure functions from facts to findings; nothing here
asks anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tasker.cli.times import format_age, format_span, parse_time

Row = Mapping[str, Any]

OLDEST_PYTHON = (3, 11)
OLDEST_SERVER, NEWEST_SERVER = 15, 18
ROLES = ("tasker_client", "tasker_worker", "tasker_operator", "tasker_reader")
# Beyond this, times shown and start times given would mislead; the engine itself uses the server's
# clock only.
SKEW = timedelta(seconds=2)
SEEN_LATELY = timedelta(minutes=1)
OLD_QUEUE_SECONDS = 60
CONNECTIONS_SHARE = 0.9


class Level(StrEnum):
    """How bad a finding is."""

    ok = "ok"
    warn = "warn"
    fail = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was looked at, what was found, and what to do about it."""

    level: Level
    subject: str
    found: str
    todo: str | None = None


def check_python(version: tuple[int, int, int]) -> Finding:
    """Check that this Python is one that Tasker is made for."""
    found = ".".join(map(str, version))
    if version[:2] < OLDEST_PYTHON:
        return Finding(Level.fail, "python", found, "Use Python 3.11 or later.")
    return Finding(Level.ok, "python", found)


def check_server(facts: Row, local: datetime) -> Iterator[Finding]:
    """Check the server itself: its version, its clock, its settings, and what lies between it and
    us.
    """
    major = facts["version_num"] // 10000
    yield (
        Finding(Level.ok, "server", f"PostgreSQL {facts['version']}")
        if OLDEST_SERVER <= major <= NEWEST_SERVER
        else Finding(
            Level.fail if major < OLDEST_SERVER else Level.warn,
            "server",
            f"PostgreSQL {facts['version']}",
            f"Tasker is tested with PostgreSQL {OLDEST_SERVER} to {NEWEST_SERVER}.",
        )
    )
    if facts["in_recovery"]:
        yield Finding(Level.fail, "server role", "a read-only standby", "Connect to the primary.")
    yield _check_clock(facts, local)
    yield from _check_settings(facts)
    yield _check_connections(facts)


def check_pooler(client_pid: int, backend_pid: int) -> Finding:
    """Check whether a pooler stands in between: it answers with a process id of its own making."""
    if client_pid == backend_pid:
        return Finding(Level.ok, "pooler", "none: the connection is direct")
    return Finding(
        Level.ok,
        "pooler",
        "one is in between: workers poll instead of being notified (at most a poll's delay more)",
    )


def check_roles(facts: Row) -> Finding:
    """Check that the four roles exist, and say which of them this login has."""
    present = {row["role"]: row["member"] for row in facts["roles"]}
    missing = [role for role in ROLES if role not in present]
    if missing:
        return Finding(
            Level.warn,
            "roles",
            f"missing: {', '.join(missing)}",
            "Run tasker migrate with a login that may create roles; without them only the owner "
            "can use Tasker.",
        )
    held = [role.removeprefix("tasker_") for role in ROLES if present[role]]
    return Finding(
        Level.ok, "roles", f"all there; {facts['user']} is {', '.join(held) if held else 'in none'}"
    )


def check_pgmq(facts: Row) -> Finding:
    """Check that pgmq is there, as an extension or as plain SQL."""
    if facts["pgmq_extension"]:
        return Finding(Level.ok, "pgmq", f"extension {facts['pgmq_extension']}")
    if facts["pgmq_functions"]:
        return Finding(Level.ok, "pgmq", "installed as plain SQL")
    return Finding(
        Level.fail, "pgmq", "not installed", "Run tasker migrate: it brings pgmq's SQL along."
    )


def check_schema(installed: bool, plan: Sequence[str] | str) -> Finding:
    """Check the schema by what migrating would still change, or by why that cannot be said."""
    if not installed:
        return Finding(Level.fail, "schema", "not installed", "Run tasker migrate.")
    if isinstance(plan, str):
        return Finding(
            Level.warn, "schema", plan, "Compare it with a login that owns the database."
        )
    if plan:
        return Finding(Level.fail, "schema", f"to do: {'; '.join(plan)}", "Run tasker migrate.")
    return Finding(Level.ok, "schema", "that of this version")


def check_vacuum(facts: Row) -> Finding:
    """Check for transactions left open, which keep vacuum from clearing dead rows."""
    holding: Sequence[Row] = facts["holding_vacuum"]
    if not holding:
        return Finding(Level.ok, "vacuum", "no transaction is left open")
    worst = holding[0]
    who = " ".join(str(part) for part in (worst["who"], worst["application"]) if part)
    pid = worst["pid"]
    return Finding(
        Level.warn,
        "vacuum",
        f"{len(holding)} transaction(s) left open hold it back, the oldest for "
        f"{format_span(worst['seconds'])} ({who})",
        f"End it: select pg_terminate_backend({pid}); and set idle_in_transaction_session_timeout."
        if pid
        else "Commit it or roll it back: commit prepared, rollback prepared.",
    )


def check_queues(queues: Sequence[Row]) -> Iterator[Finding]:
    """Check each queue: is it served, and does it keep up."""
    if not queues:
        yield Finding(Level.ok, "queues", "none yet")
    for queue in queues:
        subject, ready, age = (
            f"queue {queue['queue']}",
            queue["ready"],
            queue["oldest_age_seconds"] or 0,
        )
        found = f"{ready} ready, {queue['leased']} running, {queue['workers']} worker(s)"
        if queue["paused"]:
            yield Finding(
                Level.warn, subject, found, f"It is paused: tasker queue resume {queue['queue']}"
            )
        elif ready and not queue["workers"]:
            yield Finding(
                Level.fail,
                subject,
                found,
                f"Nobody serves it: tasker worker MODULE --queue {queue['queue']}",
            )
        elif not (queue["workers"] or queue["used"] or queue["leased"] or queue["in_line"]):
            yield Finding(Level.ok, subject, f"{found}: no step goes to it")
        elif not queue["workers"]:
            yield Finding(
                Level.warn,
                subject,
                found,
                f"Start a worker: tasker worker MODULE --queue {queue['queue']}",
            )
        elif age > OLD_QUEUE_SECONDS:
            yield Finding(
                Level.warn,
                subject,
                f"{found}, the oldest for {format_span(age)}",
                "Add workers or slots, or look at why the handlers are slow.",
            )
        else:
            yield Finding(Level.ok, subject, found)


def check_templates(templates: Sequence[Row]) -> Iterator[Finding]:
    """Check for templates that are paused."""
    for template in templates:
        if template["paused"]:
            name = f"{template['namespace']}/{template['name']}@{template['version']}"
            yield Finding(
                Level.warn,
                f"template {name}",
                "no step of its tasks starts",
                f"It is paused: tasker template resume {name}",
            )


def check_alive(kind: str, processes: Sequence[Row], now: datetime, start: str) -> Finding:
    """Check that a process of a kind (with name and seen_at) has reported lately; `start` is the
    command for one.
    """
    seen = [(at, row["name"]) for row in processes if (at := parse_time(row["seen_at"]))]
    alive = sorted(name for at, name in seen if now - at < SEEN_LATELY)
    if alive:
        return Finding(Level.ok, kind, f"{len(alive)} alive: {', '.join(alive[:5])}")
    last = max((at for at, _ in seen), default=None)
    found = (
        "none is there now"
        if last is None
        else f"none alive; the last reported {format_age(last, now)}"
    )
    return Finding(Level.warn, kind, found, f"Start one: {start}")


def _check_clock(facts: Row, local: datetime) -> Finding:
    server = parse_time(facts["now"])
    skew = abs((server or local) - local)
    found = f"{format_span(skew.total_seconds())} from the server's"
    if skew <= SKEW:
        return Finding(Level.ok, "clock", found)
    return Finding(
        Level.warn,
        "clock",
        found,
        "Let both follow NTP; start times given as delays are off by so much.",
    )


def _check_settings(facts: Row) -> Iterator[Finding]:
    if facts["fsync"] == "off" or facts["synchronous_commit"] == "off":
        yield Finding(
            Level.warn,
            "durability",
            f"fsync is {facts['fsync']}, synchronous_commit is {facts['synchronous_commit']}",
            "A crash of the server may lose the last accepted tasks; turn both on.",
        )
    else:
        yield Finding(Level.ok, "durability", "commits are flushed to disk")
    if facts["autovacuum"] == "off":
        yield Finding(
            Level.fail,
            "autovacuum",
            "off",
            "Turn it on: steps are updated often and leave dead rows.",
        )


def _check_connections(facts: Row) -> Finding:
    found = f"{facts['connections']} of {facts['max_connections']} in use"
    if facts["connections"] > CONNECTIONS_SHARE * facts["max_connections"]:
        return Finding(
            Level.warn, "connections", found, "Raise max_connections, or put a pooler in between."
        )
    return Finding(Level.ok, "connections", found)
