"""What a worker leaves behind that had secrets: rows, logs, spans, errors; in none of them is one."""

import json
import os
import sys

import anyio
import psycopg
import pytest
from anyio.abc import SocketStream
from psycopg import sql
from tests.actions.leaking_program import CODES
from tests.actions.web_server import Asked, answer, serve

SECRETS = {
    "TOKEN": "hunter2-token",
    "BASE": "http://hunter2-base.invalid/x",
    "BOOKS": "host=/nowhere password=hunter2-books connect_timeout=1",
}


async def respond(asked: Asked, _: SocketStream) -> bytes:
    match asked.path:
        case "/refused":
            return answer(
                f"no entry with {asked.headers['authorization']}",
                401,
                www_authenticate=asked.headers["x-key"],
            )
        case "/redirected":
            return answer(status=302, location=f"/again?key={asked.headers['x-key']}")
        case "/slow":
            await anyio.sleep(5)
            return answer("1")
        case _:
            return answer('"well"', x_echo=asked.headers["x-key"])


async def everything_stored(db: psycopg.AsyncConnection) -> str:
    """Every row of every table that is not PostgreSQL's own."""
    query = "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
    texts: list[str] = []
    for schema, table in await (await db.execute(query)).fetchall():
        rows = await db.execute(
            sql.SQL("select t::text from {} t").format(sql.Identifier(schema, table))
        )
        texts += [row[0] for row in await rows.fetchall()]
    return "\n".join(texts)


@pytest.mark.anyio
async def test_no_secret_is_in_what_a_worker_leaves_behind(
    db: psycopg.AsyncConnection, database: str
) -> None:
    environment = os.environ | {f"TASKER_SECRET_{name}": value for name, value in SECRETS.items()}
    async with serve(respond) as server:
        command = [sys.executable, "-m", "tests.actions.leaking_program", database, server.url]
        with anyio.fail_after(120):
            done = await anyio.run_process(command, env=environment, check=False)
        sent = "".join(asked.headers.get("authorization", "") for asked in server.asked)
    printed = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, printed
    ended = json.loads(done.stdout.splitlines()[-1])
    assert tuple(ended) == CODES
    assert ended["ok"] == '"well"'
    assert all("RESOURCE_UNAVAILABLE" in ended[code] for code in CODES[1:]), ended
    stored = await everything_stored(db)
    assert "hunter2-token" in sent  # it was used
    assert "RESOURCE_UNAVAILABLE" in stored and "tasker.step" in printed and "INFO:" in printed
    assert "hunter2" not in printed
    assert "hunter2" not in stored
