"""Secrets: where they are found, and that they show themselves nowhere."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread
import pytest
from anyio.abc import SocketStream
from tests.actions.web_server import Asked, Respond, always, answer, serve

from tasker.actions.databases import Databases
from tasker.actions.http import acquire
from tasker.actions.secrets import (
    SecretError,
    Secrets,
    Sensitive,
    read_environment,
    read_folder,
    read_secrets,
)
from tasker.actions.tables import write_rows
from tasker.actions.web import Web
from tasker_grammar.resources import Endpoint, Secret, Table
from tasker_grammar.world import ActionFailed

SECRET = "hunter2-s3cret"


def test_the_environment() -> None:
    secrets = read_environment(
        {"TASKER_SECRET_SHOP_TOKEN": "a", "TASKER_SECRET_A_B_1": "b", "TASKER_SECRET_EMPTY": ""}
    )
    assert secrets("shop-token").value == secrets("shop_token").value == "a"
    assert secrets("a.b/1").value == "b"
    for name in ("empty", "other"):
        with pytest.raises(SecretError, match=f"TASKER_SECRET_{name.upper()} is not set"):
            secrets(name)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "key").write_text("line 1\nline 2\r\n")
    # As Kubernetes mounts them: a link to a folder that is exchanged as a whole.
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "mounted").write_text("m")
    (tmp_path / "mounted").symlink_to("..data/mounted")
    secrets = read_folder(tmp_path)
    assert [secrets(name).value for name in ("token", "shop/key", "mounted")] == [
        "a",
        "line 1\nline 2",
        "m",
    ]


@pytest.mark.parametrize(
    "name",
    ["none", "shop", "../outside", "a/../../outside", "/etc/passwd", "", "latin", "large", "empty"],
)
def test_what_is_no_secret_in_a_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "secrets"
    (folder / "shop").mkdir(parents=True)
    (folder / "latin").write_bytes(b"\xff")
    (folder / "large").write_text("a" * 70_000)
    (folder / "empty").write_text("")
    (tmp_path / "outside").write_text(SECRET)
    with pytest.raises(SecretError):
        read_folder(folder)(name)


def test_the_folder_comes_before_the_environment(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("file")
    environment = {
        "TASKER_SECRETS": str(tmp_path),
        "TASKER_SECRET_ONE": "variable",
        "TASKER_SECRET_TWO": "variable",
    }
    secrets = read_secrets(environment=environment)
    assert (secrets("one").value, secrets("two").value) == ("file", "variable")
    with pytest.raises(SecretError, match=r"three.*TASKER_SECRET_THREE"):
        secrets("three")
    assert read_secrets(environment={"TASKER_SECRET_ONE": "x"})("one").value == "x"
    assert read_secrets(tmp_path, {})("one").value == "file"


def test_a_secret_does_not_show_itself() -> None:
    secret = Sensitive(SECRET)
    assert SECRET not in f"{secret} {secret!r} {[secret]} {{'a': {secret}}} {secret!s:>30}"


def no_secret_but(value: str = SECRET) -> Secrets:
    return lambda _: Sensitive(value)


async def reset(_: Asked, stream: SocketStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nbroken")


HEADERS = {"Authorization": {"$secret": "token"}}
WAYS: dict[str, tuple[Respond, Secrets]] = {
    "well": (always(answer("1")), no_secret_but()),
    "refused": (always(answer("no", 401)), no_secret_but()),
    "echoed": (always(answer(f'{{"a": "{SECRET}", "a": 1}}', x_echo=SECRET)), no_secret_but()),
    "redirected": (
        always(answer(status=302, location=f"http://x.example/?token={SECRET}")),
        no_secret_but(),
    ),
    "broken": (reset, no_secret_but()),
    "unprintable": (always(answer("1")), no_secret_but(f"{SECRET}\r\nX: {SECRET}")),
    "not ASCII": (always(answer("1")), no_secret_but(f"{SECRET}ü")),
}


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_no_header_shows_in_errors_or_logs(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    respond, secrets = WAYS[way]
    async with serve(respond) as server, Web() as web:
        endpoint = Endpoint.model_validate(
            {"base_url": server.url, "private_hosts": [server.host], "headers": HEADERS}
        )
        text = await everything_of(
            lambda: acquire(web, endpoint, {}, secrets, anyio.to_thread.run_sync), caplog
        )
    assert (way == "well") == (text == "")
    assert SECRET not in text


@pytest.mark.anyio
@pytest.mark.parametrize(
    "base",
    [
        f"http://{SECRET}.example:1", f"https://{SECRET}:8443:1", f"https://user:{SECRET}@shop.example",
        f"http://127.0.0.1:1/{SECRET}", SECRET, f"https://{SECRET}..", f"http://[{SECRET}]",
    ],
)  # fmt: skip
async def test_no_base_address_shows_in_errors_or_logs(
    base: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Web() as web:
        endpoint = Endpoint.model_validate({"base_url": {"$secret": "base"}, "timeout": 0.5})
        text = await everything_of(
            lambda: acquire(web, endpoint, {}, no_secret_but(base), anyio.to_thread.run_sync),
            caplog,
        )
    assert text
    assert SECRET not in text


@pytest.mark.anyio
@pytest.mark.parametrize(
    "conninfo",
    [
        f"host=/nowhere password={SECRET} connect_timeout=1", f"postgresql://u:{SECRET}@127.0.0.1:1/db", f"no {SECRET}",
        f"postgresql://u:{SECRET}@[bad", f"host=/nowhere options='{SECRET}",
    ],
)  # fmt: skip
async def test_no_connection_string_shows(
    conninfo: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker.actions.databases._PATIENCE", 0.5)
    table = Table.model_validate(
        {"table": "t", "row": True, "key": ["id"], "database": {"$secret": "books"}}
    )

    async def write() -> None:
        async with (
            Databases(no_secret_but(conninfo)) as databases,
            databases.connect(Secret.model_validate({"$secret": "books"})) as (connection, shapes),
        ):
            await write_rows(connection, shapes, table, "upsert", [{"id": 1}])

    text = await everything_of(write, caplog)
    assert "books" in text
    assert SECRET not in text


async def everything_of(
    call: Callable[[], Awaitable[object]], caplog: pytest.LogCaptureFixture
) -> str:
    """What failing leaves behind: the error's texts, its traceback, and what was logged."""
    caplog.set_level(logging.DEBUG)
    shown = ""
    try:
        await call()
    except ActionFailed as error:
        shown = f"{error}\n{error!r}\n{error.code}\n{''.join(traceback.format_exception(error))}"
        assert error.__cause__ is None
    shown += "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("asyncio")
    )
    return shown
