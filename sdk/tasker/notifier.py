"""LISTENs on a connection of its own and passes notifications on. Only a hint: whoever waits polls as well.

Touches the database through the connection it opens.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

import anyio
import psycopg
from psycopg import AsyncConnection, sql

__all__ = ["notify"]

_log = logging.getLogger(__name__)


async def notify(
    connect: Callable[[], Awaitable[AsyncConnection]],
    channels: Sequence[str],
    heard: Callable[[str, str], None],
) -> None:
    """Listen on `channels` until cancelled; call `heard(channel, payload)` for each notification.

    After a lost connection `heard` is called once for every channel with an empty payload, because something may have
    been missed.
    """
    wait = 0.1
    while True:
        try:
            connection = await connect()
            try:
                for channel in channels:
                    await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                wait = 0.1
                for channel in channels:
                    heard(channel, "")
                async for notification in connection.notifies():
                    heard(notification.channel, notification.payload)
            finally:
                # Not as a context manager: that would first roll back, which is cancelled as well.
                await connection.close()
        except psycopg.Error as error:
            _log.info("lost the listening connection, will open another: %s", error)
        await anyio.sleep(wait)
        wait = min(wait * 2, 5.0)
