"""An HTTP server on loopback that answers as a test says, byte for byte, and keeps what it was asked."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import anyio
from anyio.abc import SocketStream
from anyio.streams.tls import TLSStream

Respond = Callable[["Asked", SocketStream], Awaitable[bytes | None]]
"""What is answered; None: nothing more than what was sent on the stream itself."""


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class WebServer:
    port: int
    asked: list[Asked] = field(default_factory=list[Asked])
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


def answer(body: bytes | str = b"", status: int = 200, **headers: str) -> bytes:
    """A whole answer; headers by name, with underscores for dashes."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    given = {"content_type": "application/json", "content_length": str(len(data))} | headers
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


@asynccontextmanager
async def serve(
    respond: Respond, context: ssl.SSLContext | None = None
) -> AsyncIterator[WebServer]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        server = WebServer(listener.extra(anyio.abc.SocketAttribute.local_port))

        async def handle(plain: SocketStream) -> None:
            server.connections += 1
            try:
                async with plain:
                    stream = plain if context is None else await _wrap(plain, context)
                    while (asked := await _read(stream)) is not None:
                        server.asked.append(asked)
                        given = await respond(asked, stream)
                        if given is None:
                            return
                        await stream.send(given)
            except (
                ssl.SSLError,
                anyio.BrokenResourceError,
                anyio.ClosedResourceError,
                anyio.EndOfStream,
            ):
                pass  # whoever asked has gone

        tasks = anyio.create_task_group()
        await tasks.__aenter__()
        tasks.start_soon(listener.serve, handle)
        try:
            yield server
        finally:
            # What a test raises is not told to the group, which would hand it on in an exception group.
            tasks.cancel_scope.cancel()
            await tasks.__aexit__(None, None, None)


async def _wrap(plain: SocketStream, context: ssl.SSLContext) -> Any:
    return await TLSStream.wrap(
        plain, server_side=True, ssl_context=context, standard_compatible=False
    )


def always(given: bytes) -> Respond:
    async def respond(_: Asked, __: SocketStream) -> bytes:
        return given

    return respond


async def _read(stream: SocketStream) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            data += await stream.receive()
        except anyio.EndOfStream:
            return None
    first, *rest = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in rest)
    return Asked(method, target, {name.lower(): value for name, value in headers.items()})
