"""A session outlives its sockets, says a thing twice only when it may, and gives up when its patience ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import psycopg
import pytest
from psycopg import AsyncConnection

from tasker_sql import session as sessions
from tasker_sql.connection import Database
from tasker_sql.session import Session, passes

PID = "select pg_backend_pid()"


@dataclass
class Connector:
    """Opens connections, and counts them."""

    url: str
    opened: int = 0

    async def __call__(self) -> AsyncConnection:
        self.opened += 1
        return await Database(self.url).connect_async()


@pytest.fixture
def connector(database: str) -> Connector:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            """
            create sequence said;
            create function fail(state text, times integer) returns bigint language plpgsql as $$
            declare v_said bigint := nextval('said');
            begin
                if v_said <= times then raise exception using errcode = state; end if;
                return v_said;
            end; $$;
            create function break() returns bigint language plpgsql as $$
            begin
                perform nextval('said'), pg_terminate_backend(pg_backend_pid()), pg_sleep(60);
                return 0;
            end; $$
            """
        )
    return Connector(database)


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def said(owner: psycopg.Connection) -> int:
    """How many times one of our functions was called; rolling back does not take it back."""
    row = owner.execute("select last_value from said where is_called").fetchone()
    return row[0] if row else 0


def kill(owner: psycopg.Connection, pid: int) -> None:
    assert owner.execute("select pg_terminate_backend(%s, 60000)", [pid]).fetchone() == (True,)


def in_session(
    connector: Callable[[], Awaitable[AsyncConnection]],
    act: Callable[[Session], Awaitable[Any]],
    patience: float | None = 60,
) -> Any:
    async def main() -> Any:
        async with Session(connector, patience) as session:
            return await act(session)

    return anyio.run(main)


VERBS = pytest.mark.parametrize("verb", ["ask", "tell"])


@VERBS
def test_it_is_opened_when_first_needed_and_kept(connector: Connector, verb: str) -> None:
    async def act(session: Session) -> None:
        assert connector.opened == 0
        say = getattr(session, verb)
        assert await say(PID) == await say(PID)
        assert await say("select %s::text, 2", ["x"]) == "x"
        assert await say("select 1 where false") is None
        assert connector.opened == 1

    in_session(connector, act)


@VERBS
def test_it_is_opened_again_when_it_broke_between_two(
    connector: Connector, owner: psycopg.Connection, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_FRESH", 0.0)

    async def act(session: Session) -> None:
        say = getattr(session, verb)
        first = await say(PID)
        kill(owner, first)
        assert await say(PID) != first
        await session.close()
        assert await say(PID) != first
        assert connector.opened == 3

    in_session(connector, act)


@VERBS
@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_what_was_rolled_back_is_said_again(connector: Connector, verb: str, state: str) -> None:
    async def act(session: Session) -> None:
        assert await getattr(session, verb)("select fail(%s, 2)", [state]) == 3
        assert connector.opened == 1

    in_session(connector, act)


@VERBS
def test_an_error_that_does_not_pass_is_raised_at_once(
    connector: Connector, owner: psycopg.Connection, verb: str
) -> None:
    async def act(session: Session) -> None:
        with pytest.raises(psycopg.errors.RaiseException):
            await getattr(session, verb)("select fail(%s, 2)", ["P0001"])
        assert await getattr(session, verb)("select 1") == 1

    in_session(connector, act)
    assert said(owner) == 1
    assert connector.opened == 1


def test_what_must_not_run_twice_is_said_once_when_the_connection_is_lost_under_it(
    connector: Connector, owner: psycopg.Connection
) -> None:
    async def act(session: Session) -> None:
        with pytest.raises(psycopg.OperationalError):
            await session.tell("select break()")
        assert await session.ask("select 1") == 1

    in_session(connector, act)
    assert said(owner) == 1


def test_what_may_run_twice_is_asked_until_patience_ends(
    connector: Connector, owner: psycopg.Connection
) -> None:
    async def act(session: Session) -> None:
        with pytest.raises(psycopg.OperationalError):
            await session.ask("select break()")

    in_session(connector, act, patience=0.3)
    assert said(owner) > 1
    assert connector.opened == said(owner)


@VERBS
@pytest.mark.parametrize("patience", [60, None])
def test_a_server_that_is_away_is_waited_for(
    connector: Connector, verb: str, patience: float | None
) -> None:
    tries: list[None] = []

    async def connect() -> AsyncConnection:
        tries.append(None)
        if len(tries) < 4:
            raise psycopg.OperationalError("connection refused")
        return await connector()

    assert in_session(connect, lambda s: getattr(s, verb)("select 5"), patience) == 5
    assert len(tries) == 4


@VERBS
def test_but_not_for_longer_than_one_has_patience(verb: str) -> None:
    tries: list[None] = []

    async def connect() -> AsyncConnection:
        tries.append(None)
        raise psycopg.OperationalError("connection refused")

    with pytest.raises(psycopg.OperationalError, match="connection refused"):
        in_session(connect, lambda session: getattr(session, verb)("select 1"), patience=0)
    assert len(tries) == 1


def test_many_at_once_take_turns_on_one_connection(connector: Connector) -> None:
    async def act(session: Session) -> None:
        pids: set[int] = set()

        async def ask() -> None:
            pids.add(await session.ask(PID))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(ask)
        assert len(pids) == 1

    in_session(connector, act)
    assert connector.opened == 1


async def until_active(owner: psycopg.Connection, pid: int, query: str) -> None:
    """Wait until a connection runs what is like `query`."""
    active = (
        "select true from pg_stat_activity where pid = %s and state = 'active' and query like %s"
    )
    while owner.execute(active, [pid, query]).fetchone() is None:
        await anyio.sleep(0.01)


@VERBS
def test_a_cancelled_statement_s_connection_is_not_used_again(
    connector: Connector, owner: psycopg.Connection, verb: str
) -> None:
    """Who waits for a turn meanwhile has sent nothing, so it is heard on the next connection."""
    heard: list[int] = []

    async def act(session: Session) -> None:
        first = await session.ask(PID)

        async def wait() -> None:
            heard.append(await getattr(session, verb)(PID))

        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as sleepers:
                    owner.execute("select pg_advisory_lock(1)")
                    group.start_soon(session.ask, "select pg_advisory_lock(1) is null")
                    await until_active(owner, first, "select pg_advisory%")
                    sleepers.start_soon(session.ask, "select pg_sleep(60)")
                    await anyio.wait_all_tasks_blocked()
                    group.start_soon(wait)
                    await anyio.wait_all_tasks_blocked()
                    owner.execute("select pg_advisory_unlock(1)")
                    await until_active(owner, first, "select pg_sleep%")
                    scope.cancel()
        assert heard
        assert heard != [first]

    in_session(connector, act, patience=0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.OperationalError("the connection is closed"), True),
        (psycopg.InterfaceError(), True),
        (psycopg.errors.QueryCanceled(), True),  # a statement time-out
        (psycopg.errors.LockNotAvailable(), True),
        (psycopg.errors.IdleSessionTimeout(), True),
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.errors.ProtocolViolation(), True),  # PgBouncer: "server conn crashed?"
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.InsufficientPrivilege(), False),
        (psycopg.ProgrammingError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_which_errors_pass(error: psycopg.Error, expected: bool) -> None:
    assert passes(error) is expected


def test_however_long_the_database_is_away_it_is_asked_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def refuse() -> psycopg.AsyncConnection:
        raise psycopg.OperationalError("it is away")

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 50:
            raise TimeoutError

    async def ask() -> None:
        await Session(refuse, patience=None).ask("select 1")

    monkeypatch.setattr(anyio, "sleep", sleep)
    with pytest.raises(TimeoutError):
        anyio.run(ask)
    assert max(pauses) <= 1.5
    assert pauses[0] < 0.1
