"""A TCP proxy before PostgreSQL that is a bad network: it delays, holds, and cuts, also in the middle of an answer.

Touches the network: it listens on this machine, and connects to the server's socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_CHUNK = 65536


class Proxy:
    """One proxy; `delay` is how many seconds each piece of data is late, either way."""

    def __init__(self, target: Path) -> None:
        self.port = 0
        self.delay = 0.0
        self.flows = asyncio.Event()
        """Cleared while nothing comes through."""
        self.flows.set()
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._left: int | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.cut()

    def cut(self) -> int:
        """Cut all connections now; how many there were."""
        cut = len(self._open) // 2
        for writer in list(self._open):
            writer.transport.abort()
        return cut

    def cut_answer(self, after: int) -> None:
        """Cut all connections once so many bytes of answers have come through."""
        self._left = after

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            to_client.transport.abort()
            return
        both = {to_client, to_server}
        self._open |= both
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(client, to_server, answers=False))
                pumps.create_task(self._pump(server, to_client, answers=True))
        except* (OSError, _Ended):
            pass
        finally:
            self._open -= both
            for writer in both:
                writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await reader.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self.flows.wait()
            if answers and self._left is not None:
                part, self._left = data[: self._left], self._left - len(data)
                if self._left <= 0:
                    self._left = None
                    writer.write(part)
                    self.cut()
                    raise _Ended
            writer.write(data)
            await writer.drain()
        raise _Ended


class _Ended(Exception):
    """One side has closed: the other one is of no use any more."""
