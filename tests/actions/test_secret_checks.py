"""Which secrets are not there, and which lie open: told by name and place, never by value."""

import logging
from pathlib import Path

import pytest
from tests.runtime.support import run

from tasker import Client, Worker, Workflow
from tasker.actions.secret_checks import check_secrets
from tasker.actions.secrets import Secrets, Sensitive, read_environment, read_folder
from tasker_grammar.resources import Resources

VALUE = "hunter2-s3cret"
RESOURCES = Resources.model_validate(
    {
        "endpoints": {
            "shop": {
                "base_url": {"$secret": "shop_url"},
                "headers": {"Authorization": {"$secret": "shop_token"}},
            },
            "shop_stock": {
                "base_url": "https://shop.example",
                "headers": {"Authorization": {"$secret": "shop_token"}},
            },
        },
        "tables": {
            "totals": {
                "table": "totals",
                "row": True,
                "key": ["id"],
                "database": {"$secret": "books"},
            }
        },
    }
)


def told(secrets: Secrets) -> list[tuple[str, str]]:
    found = list(check_secrets(RESOURCES, secrets))
    assert all(each.severity == "warning" for each in found)
    assert VALUE not in "".join(map(str, found))
    return [(each.code, each.path) for each in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of all three secrets that is open to all, with files that are closed."""
    tmp_path.chmod(0o755)
    for name in ("shop_url", "shop_token", "books"):
        (tmp_path / name).write_text(VALUE)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def test_what_is_not_there_is_told_at_each_place() -> None:
    assert told(read_environment({"TASKER_SECRET_BOOKS": VALUE})) == [
        ("R508", "/endpoints/shop/base_url"),
        ("R508", "/endpoints/shop/headers/Authorization"),
        ("R508", "/endpoints/shop_stock/headers/Authorization"),
    ]


def test_secrets_of_another_kind_may_fail_as_they_like() -> None:
    def vault(name: str) -> Sensitive:
        if name == "books":
            raise ConnectionError(f"the vault is closed; the token was {VALUE}")
        return Sensitive(VALUE)

    assert told(vault) == [("R508", "/tables/totals/database")]


def test_closed_files_are_in_order(folder: Path) -> None:
    assert told(read_folder(folder)) == []


@pytest.mark.parametrize(
    ("mode", "who"), [(0o644, "everybody"), (0o604, "everybody"), (0o640, "its group")]
)
def test_a_file_that_others_may_read(folder: Path, mode: int, who: str) -> None:
    (folder / "books").chmod(mode)
    [found] = check_secrets(RESOURCES, read_folder(folder))
    assert (found.code, found.severity, found.path) == (
        "R511",
        "warning",
        "/tables/totals/database",
    )
    assert found.message == f"{who} may read the secret books in {folder / 'books'}"
    assert found.hint == f"Run: chmod 600 {folder / 'books'}"
    folder.chmod(0o700)
    assert told(read_folder(folder)) == [], "nobody else comes to it"


def test_the_folder_lets_in_its_group_only(folder: Path) -> None:
    (folder / "books").chmod(0o644)
    folder.chmod(0o750)
    [found] = check_secrets(RESOURCES, read_folder(folder))
    assert found.message.startswith("its group may read")


@pytest.mark.anyio
async def test_a_worker_says_at_its_start_what_is_not_there_and_what_lies_open(
    database: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "books").unlink()
    (folder / "shop_token").chmod(0o644)
    flow = Workflow("plain", resources=RESOURCES)

    @flow.step
    def one() -> int:
        return 1

    with caplog.at_level(logging.WARNING, "tasker.actions.secret_checks"):
        async with (
            Worker(flow, url=database, secrets=read_folder(folder)),
            Client(database) as client,
        ):
            assert await run(client, flow) == 1
    missing, bare = (each for each in caplog.messages if "secret" in each)
    assert missing == (
        "steps that need these will fail: "
        f"there is no secret books: no file {folder / 'books'} can be read"
    )
    assert bare == (
        f"secrets lie open: everybody may read the secret shop_token in {folder / 'shop_token'}"
        f" (Run: chmod 600 {folder / 'shop_token'})"
    )
    assert VALUE not in caplog.text
