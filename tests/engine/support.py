"""A small driver of the engine's functions, for tests. Touches the database it is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Json = Any
T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Engine:
    """A database with the engine in it. `owner` is a connection of the role that owns it all."""

    url: str
    owner: Connection

    def connect(self) -> Connection:
        """Open another connection, for the caller to close. Each statement commits by itself, and ends after 30 s."""
        return psycopg.connect(self.url, autocommit=True, options="-c statement_timeout=30s")


@dataclass(frozen=True)
class Lease:
    """One granted attempt of a step, as `exchange` returns it."""

    task_id: UUID
    step_no: int
    queue_id: int
    msg_id: int
    read_ct: int
    attempt: int
    attempt_limit: int
    deadline: float | None
    definition_id: int
    instance: int | None = None
    input: Json = field(default=None, hash=False)


@dataclass(frozen=True)
class Exchanged:
    """What one exchange came to. `accepted` numbers outcomes from 1."""

    accepted: list[int]
    leases: list[Lease]
    tasks: Mapping[UUID, Json]
    results: Mapping[tuple[UUID, int], Json]
    gathered: Mapping[tuple[UUID, int], Json]
    undone: Mapping[tuple[UUID, int], list[Json]]
    saved: Mapping[tuple[UUID, int], dict[str, Json]]


@dataclass(frozen=True)
class Worker:
    """A registered worker and the connection it talks through."""

    connection: Connection
    id: UUID
    queue_ids: list[int]


def call(connection: Connection, function: str, **arguments: Any) -> Any:
    """Call a function of the engine by argument names; its value. Dicts go as jsonb."""
    found = rows(connection, function, **arguments)
    return found[0] if found else None


def rows(connection: Connection, function: str, **arguments: Any) -> list[Any]:
    """Call a set-returning function of the engine; its values, or rows of values."""
    given = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name in arguments
    )
    query = sql.SQL("select * from tasker.{}({})").format(sql.Identifier(function), given)
    values = {k: Jsonb(v) if isinstance(v, dict) else v for k, v in arguments.items()}
    found = connection.execute(query, values).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def one(connection: Connection, query: str, *values: Any) -> Any:
    """Return the first column of a query's first row, or None when it has no row."""
    row = connection.execute(cast("Any", query), values).fetchone()
    return row[0] if row else None


# Templates


def step(name: str, *parents: str, **more: Json) -> dict[str, Json]:
    """Define a step for `template`; it has its own name for a handler."""
    return {"name": name, "handler": f"h.{name}", "depends_on": list(parents), **more}


def template(name: str, *steps: dict[str, Json], **more: Json) -> dict[str, Json]:
    """Define a template in namespace t, version 1."""
    return {"namespace": "t", "name": name, "version": "1", "steps": list(steps), **more}


def register(connection: Connection, definition: dict[str, Json]) -> dict[str, Json]:
    """Register a definition; what the engine answers."""
    return call(connection, "register_template", definition=definition)


# Tasks


def submit(connection: Connection, name: str, data: Json = None, **more: Any) -> UUID:
    """Submit a task of t/`name`."""
    given = {"namespace": "t", **more}
    return call(
        connection,
        "submit_task",
        template=name,
        input=Jsonb(data if data is not None else {}),
        **given,
    )


def submit_many(
    connection: Connection, name: str, tasks: Json, **more: Any
) -> list[tuple[int, UUID, bool]]:
    """Submit tasks of t/`name` at once; (ordinal, id, created) of each."""
    given = {"namespace": "t", **more}
    return rows(connection, "submit_tasks", template=name, tasks=Jsonb(tasks), **given)


def task_state(connection: Connection, task_id: UUID) -> str:
    """Return the state a task is in."""
    return one(connection, "select state::text from tasker.task where task_id = %s", task_id)


def step_states(connection: Connection, task_id: UUID) -> dict[str, str]:
    """Return the state of each step of a task, by name."""
    return {s["name"]: s["state"] for s in rows(connection, "list_steps", task_id=task_id)}


def find_step(connection: Connection, task_id: UUID, name: str) -> dict[str, Json]:
    """Return a step as get_step describes it."""
    return call(connection, "get_step", task_id=task_id, step_name=name)


# Workers


def register_worker(connection: Connection, *queues: str) -> Worker:
    """Register a new worker of the given queues (namespace t's by default)."""
    worker_id = uuid4()
    answer = call(
        connection, "register_worker", worker_id=worker_id, name="test",
        queues=list(queues or ("t",)), slots=100, handlers=[], version="1",
    )  # fmt: skip
    return Worker(connection, worker_id, [q["queue_id"] for q in answer])


def exchange(
    worker: Worker, outcomes: Sequence[Json] = (), want: int = 1000, lease: float = 15.0
) -> Exchanged:
    """Hand in outcomes and claim steps."""
    answer = call(
        worker.connection, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids,
        outcomes=Jsonb(list(outcomes)), want=want, lease_seconds=lease,
    )  # fmt: skip
    granted = answer["granted"] or {}
    saved: dict[tuple[UUID, int], dict[str, Json]] = {}
    for t, no, name, value in granted.get("saved") or []:
        saved.setdefault((UUID(t), no), {})[name] = value
    instances = {(t, no): (at, item) for t, no, at, item in granted.get("instances") or []}
    return Exchanged(
        accepted=sorted(answer["accepted"]),
        leases=[read_lease(g, instances) for g in granted.get("steps") or []],
        tasks={UUID(t["task_id"]): t for t in granted.get("tasks") or []},
        results={(UUID(t), no): result for t, no, result in granted.get("results") or []},
        gathered={(UUID(t), no): results for t, no, results in granted.get("gathered") or []},
        undone={(UUID(t), no): undone for t, no, *undone in granted.get("undone") or []},
        saved=saved,
    )


def read_lease(row: dict[str, Json], instances: Mapping[tuple[str, int], Json]) -> Lease:
    """Read one granted step; `instances` are places in batches and items."""
    place = row["task_id"], row["step_no"]
    return Lease(
        **{**row, "task_id": UUID(row["task_id"])},
        **dict(zip(("instance", "input"), instances.get(place, ()), strict=False)),
    )


def claim(worker: Worker, want: int = 1000, lease: float = 15.0) -> list[Lease]:
    """Claim steps, in the order they were queued."""
    return sorted(
        exchange(worker, want=want, lease=lease).leases, key=lambda g: (g.queue_id, g.msg_id)
    )


def claim_one(worker: Worker) -> Lease:
    """Claim the one step that can run."""
    [lease] = claim(worker)
    return lease


def claim_named(worker: Worker, want: int = 1000) -> dict[str, Lease]:
    """Claim steps of which no two have one name; each by its name."""
    query = """select tasker.step_name(d.name, %s) from tasker.step_definition d
        where d.definition_id = %s"""
    return {
        one(worker.connection, query, lease.instance, lease.definition_id): lease
        for lease in claim(worker, want)
    }


def hand_in(worker: Worker, *outcomes: Json) -> list[int]:
    """Hand in outcomes and claim nothing; the numbers of those accepted."""
    return exchange(worker, outcomes, want=0).accepted


def outcome(lease: Lease, kind: str, **more: Json) -> dict[str, Json]:
    """Build one outcome of an exchange."""
    return {
        "queue_id": lease.queue_id, "msg_id": lease.msg_id, "read_ct": lease.read_ct,
        "task_id": str(lease.task_id), "step_no": lease.step_no, "outcome": kind, **more,
    }  # fmt: skip


def complete(lease: Lease, result: Json = None) -> dict[str, Json]:
    """Build the outcome of a handler that returned."""
    return outcome(lease, "complete", result=result)


def retry(lease: Lease, kind: str = "Flaky", **more: Json) -> dict[str, Json]:
    """Build the outcome of a handler that failed in a way that may pass."""
    return outcome(lease, "retry", error={"type": kind, "message": "try again"}, **more)


def fail(lease: Lease, kind: str = "Broken") -> dict[str, Json]:
    """Build the outcome of a handler that failed for good."""
    return outcome(lease, "error", error={"type": kind, "message": "no use"})


def lost(lease: Lease, **more: Json) -> dict[str, Json]:
    """Build the outcome of a handler whose process died."""
    return outcome(lease, "lost", error={"type": "ChildDied", "message": "signal 9"}, **more)


def release(lease: Lease, **more: Json) -> dict[str, Json]:
    """Build the outcome of a worker that gives a step back."""
    return outcome(lease, "release", **more)


def beat(
    worker: Worker, *leases: Lease, lease: float = 15.0, progress: Json = None
) -> dict[str, Json]:
    """Send a heartbeat for leases; what the engine answers."""
    held = [{**outcome(held, ""), "progress": progress} for held in leases]
    return call(
        worker.connection, "heartbeat", worker_id=worker.id, running=len(leases),
        leases=Jsonb(held), lease_seconds=lease,
    )  # fmt: skip


def run_all(worker: Worker, result: Callable[[Lease], Json] = lambda _: None) -> int:
    """Claim and complete until nothing can run; how many steps were completed."""
    done, leases = 0, claim(worker)
    while leases:
        answer = exchange(worker, [complete(lease, result(lease)) for lease in leases])
        done, leases = done + len(answer.accepted), answer.leases
    return done


# Time


def queue_table(connection: Connection, queue_id: int) -> str:
    """Return the name of a queue's message table."""
    return one(
        connection, "select message_table::text from tasker.queue where queue_id = %s", queue_id
    )


def queue_tables(connection: Connection) -> list[tuple[str, str]]:
    """Return the name and the message table of each queue."""
    return cast(
        "Any",
        connection.execute("select name, message_table::text from tasker.queue").fetchall(),
    )


def message(connection: Connection, lease: Lease) -> tuple[int, float] | None:
    """Return a lease's message as (read count, seconds until it can be claimed), or None."""
    table = queue_table(connection, lease.queue_id)
    query = f"""select read_ct, extract(epoch from vt - clock_timestamp())::float8
        from {table} where msg_id = %s"""
    return cast("Any", connection.execute(cast("Any", query), [lease.msg_id]).fetchone())


def lapse(connection: Connection, *leases: Lease) -> None:
    """Let leases run out: what a worker that stopped reporting comes to."""
    for lease in leases:
        table = queue_table(connection, lease.queue_id)
        query = f"""update {table} set vt = clock_timestamp() - interval '1 second'
            where msg_id = %s and read_ct = %s"""
        connection.execute(cast("Any", query), [lease.msg_id, lease.read_ct])


def make_due(connection: Connection, *kinds: str) -> int:
    """Let timers of the given kinds (default: all) be due now; how many were not due yet."""
    return connection.execute(
        """update tasker.timer set fire_at = now() - interval '1 second'
        where fire_at > now() and (%s::text[] is null or kind::text = any (%s::text[]))""",
        [list(kinds) or None, list(kinds) or None],
    ).rowcount


def fire(connection: Connection, *kinds: str) -> int:
    """Let timers of the given kinds (default: all) be due, and fire what is due; how many fired."""
    make_due(connection, *kinds)
    return call(connection, "promote_due", max_rows=1000)["fired"]


# Soundness


def broken(connection: Connection) -> list[str]:
    """Name all that is unsound: broken invariants of tasks, messages and timers of nothing."""
    found = connection.execute(
        "select format('task %s: %s', t.task_id, v) from tasker.task t, tasker.verify(t.task_id) v"
    ).fetchall()
    found += connection.execute(
        """select format('timer %s of task %s, step %s, belongs to nothing',
            r.kind, r.task_id, r.step_no)
        from tasker.timer r left join tasker.task t using (task_id)
        where t.task_id is null or r.kind <> 'children'
            and t.state in ('complete', 'error', 'cancelled', 'resolved_manually')"""
    ).fetchall()
    for queue, table in queue_tables(connection):
        query = f"""select format('message %s of queue {queue} belongs to nothing', m.msg_id)
            from {table} m left join tasker.step s on s.task_id = (m.message ->> 'task_id')::uuid
                and s.step_no = (m.message ->> 'step_no')::integer and s.msg_id = m.msg_id
                and s.state in ('enqueued', 'in_progress')
            where s.task_id is null"""
        found += connection.execute(cast("Any", query)).fetchall()
    return [row[0] for row in found]


def drop_closed(connection: Connection) -> None:
    """Drop what a claim would once its lease ends: messages that someone held while their steps were closed."""
    for _, table in queue_tables(connection):
        query = f"""delete from {table} m where not exists (select from tasker.step s
            where s.task_id = (m.message ->> 'task_id')::uuid and s.msg_id = m.msg_id
                and s.state in ('enqueued', 'in_progress'))"""
        connection.execute(cast("Any", query))


def drop_the_dead(connection: Connection) -> None:
    """Let all leases end, and claim: a message that someone held while its step was closed stays behind until then."""
    for _, table in queue_tables(connection):
        connection.execute(cast("Any", f"update {table} set vt = now()"))
    queues = [name for name, _ in queue_tables(connection)]
    claim(register_worker(connection, *queues), want=10_000)


# Concurrency


def wait_until_blocked(
    connection: Connection, pid: int, done: Callable[[], bool] = lambda: False
) -> None:
    """Wait until the backend with that process id waits for a lock, or until `done`."""
    pause = threading.Event()
    for _ in range(5000):
        if done() or one(connection, "select cardinality(pg_blocking_pids(%s))", pid):
            return
        pause.wait(0.001)
    raise AssertionError(f"backend {pid} waits for nobody")


@contextmanager
def in_background(work: Callable[[], T]) -> Generator[Future[T]]:
    """Run `work` in a thread; gives what it will return or raise. Connections end what takes too long (see connect)."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(work)
