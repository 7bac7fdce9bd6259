"""The client under chaos, in a process of its own: `python client.py URL SEED RATE`.

It submits the scripts of a seed, so many a second, sends the events that they wait for, and asks for some results. What
it asks it asks again until the database has answered, under the same idempotency key; and it does so also when it was
killed and started again, because the ledger says what was not answered. On SIGTERM it begins nothing new, and ends.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
from tests.chaos.ledger import LEDGER, read_ledger, write_down
from tests.chaos.programs import EVENT, NAMESPACE
from tests.chaos.scripts import Script, draw_scripts

from tasker import Client, DatabaseUnavailable

T = TypeVar("T")

AT_ONCE = 40
EXPECTANT = ("patient", "afar")
"""What waits for an event."""


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the database answers."""
    while True:
        try:
            return await ask()
        except DatabaseUnavailable:
            await anyio.sleep(0.1)


async def submit(client: Client, script: Script) -> Any:
    write_down("submitting", key=script.key, kind=script.kind, input=dict(script.input))
    handle = await insist(
        lambda: client.submit(
            f"{NAMESPACE}/{script.kind}",
            dict(script.input),
            idempotency_key=script.key,
            on_conflict="return_existing",
            priority=script.priority,
        )
    )
    write_down("acknowledged", key=script.key, task=str(handle.id))
    return handle


async def play(client: Client, script: Script) -> None:
    """One script: submit it, sometimes twice; send its event; ask for its result."""
    handle = await submit(client, script)
    if script.number % 7 == 0:
        handle = await submit(client, script)
    if script.kind in EXPECTANT:
        payload = {"number": 7 * script.number}
        await insist(lambda: handle.send_event(EVENT, payload))
        write_down("sent", key=script.key, task=str(handle.id))
    if script.number % 10 == 0 and script.kind not in ("doomed", "undone"):
        result = await insist(lambda: handle.result())
        write_down("answered", key=script.key, result=result)


async def run(url: str, seed: int, rate: float) -> None:
    stopping = anyio.Event()
    begun, ended = read_back(Path(os.environ[LEDGER]))
    bound = anyio.Semaphore(AT_ONCE)

    async def watch() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM) as signals:
            async for _ in signals:
                stopping.set()
                return

    async def one(client: Client, script: Script) -> None:
        async with bound:
            await play(client, script)
        write_down("played", key=script.key)

    async with anyio.create_task_group() as watching:
        watching.start_soon(watch)
        async with Client(url, patience=5) as client, anyio.create_task_group() as playing:
            for script in draw_scripts(seed):
                if script.number < begun:
                    if script.key not in ended:
                        playing.start_soon(one, client, script)
                    continue
                if stopping.is_set():
                    break
                playing.start_soon(one, client, script)
                with anyio.move_on_after(1 / rate):
                    await stopping.wait()
        watching.cancel_scope.cancel()


def read_back(ledger: Path) -> tuple[int, set[str]]:
    """How many scripts were begun before, and the keys of those that were played to their end."""
    lines = list(read_ledger(ledger))
    keys = [line["key"] for line in lines if line["event"] == "submitting"]
    begun = max((int(key.rpartition("-")[2]) + 1 for key in keys), default=0)
    return begun, {line["key"] for line in lines if line["event"] == "played"}


if __name__ == "__main__":
    try:
        anyio.run(run, sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    except* (
        DatabaseUnavailable
    ) as error:  # it has found none to begin with: whoever supervises it starts it again
        print(error.exceptions[0], file=sys.stderr)
        raise SystemExit(5) from None
