"""The executor's side of a benchmark, for those in Python: speaks the lines of `load`. Touches stdin and stdout."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import anyio.to_thread
from pydantic import TypeAdapter

from tasker.bench.load import Done, Load, Order, Ready, Unsupported, said

__all__ = ["Prepare", "Prepared", "serve"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An engine that is ready: what it is, and what runs the load."""

    ready: Ready
    run: Callable[[], Awaitable[Done]]


Prepare = Callable[[str, Load], AbstractAsyncContextManager[Prepared | Unsupported]]


async def serve(prepare: Prepare) -> None:
    """Read what to run, prepare the engine, and run it when told to.

    `prepare(url, load)` installs the engine into the empty database, starts its workers, warms up, and clears up when
    it is left.
    """
    order = TypeAdapter(Order).validate_json(await _read())
    async with prepare(order.url, order.load) as engine:
        match engine:
            case Unsupported():
                _say(engine)
            case Prepared():
                _say(engine.ready)
                if await _read():  # else it was only wanted for its workers
                    _say(await engine.run())
                    await _read()


def _say(what: Ready | Unsupported | Done) -> None:
    sys.stdout.buffer.write(said.dump_json(what) + b"\n")
    sys.stdout.buffer.flush()


async def _read() -> bytes:
    return await anyio.to_thread.run_sync(sys.stdin.buffer.readline)
