"""Which database is meant: what is named, then the environment, then the embedded one."""

from __future__ import annotations

from pathlib import Path

import anyio
import platformdirs
import pytest
from psycopg.conninfo import make_conninfo

from tasker import database as databases
from tasker import settings
from tasker.database import find_database, resolve_database
from tasker.errors import DatabaseUnavailable, InvalidInputError
from tasker.settings import read_settings
from tasker_sql.connection import Database

EMBEDDED = Database("the embedded one", embedded=True)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("TASKER_DATABASE_URL", "TASKER_POOLER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TASKER_HOME", str(tmp_path))
    monkeypatch.setattr(databases, "start_embedded", lambda _: EMBEDDED)
    return monkeypatch


def test_what_is_named_goes_before_the_environment_and_that_before_the_embedded_one(
    environment: pytest.MonkeyPatch, database: str
) -> None:
    assert find_database() == EMBEDDED
    environment.setenv("TASKER_DATABASE_URL", database)
    assert find_database() == Database(database)
    other = make_conninfo(database, application_name="other")
    assert find_database(other) == Database(other)
    environment.setenv("TASKER_DATABASE_URL", "")
    assert find_database() == EMBEDDED
    assert anyio.run(resolve_database, other) == Database(other)


@pytest.mark.parametrize(("pooler", "pooled"), [("none", False), ("transaction", True)])
def test_a_pooler_that_is_said_is_not_looked_for(
    environment: pytest.MonkeyPatch, pooler: str, pooled: bool
) -> None:
    environment.setenv("TASKER_POOLER", pooler)
    nowhere = "host=/nonexistent"
    assert find_database(nowhere) == Database(nowhere, pooled=pooled)


def test_a_pooler_of_another_kind_is_refused_with_the_kinds() -> None:
    with pytest.raises(InvalidInputError, match="TASKER_POOLER is 'session'") as refused:
        read_settings({"TASKER_POOLER": "session"})
    assert refused.value.hint == "Use none, transaction or auto."


@pytest.mark.parametrize("pooler", ["", "auto"])
def test_a_pooler_may_be_left_to_be_found_out(pooler: str) -> None:
    assert read_settings({"TASKER_POOLER": pooler}).pooled is None


def test_a_malformed_url_is_told_how_to_write_it() -> None:
    with pytest.raises(InvalidInputError, match="the database URL is malformed") as refused:
        find_database("nonsense")
    assert refused.value.hint == "Write postgresql://user@host/name."


def test_a_malformed_url_tells_no_password() -> None:
    with pytest.raises(InvalidInputError, match='unexpected spaces found in "…"') as refused:
        find_database("postgresql://ann:ge heim@host/shop")
    assert "heim" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_database_that_does_not_answer_is_unavailable_and_no_password_is_told() -> None:
    with pytest.raises(DatabaseUnavailable, match="the database does not answer") as missing:
        find_database("postgresql://ann:geheim@/shop?host=/nonexistent")
    assert "geheim" not in str(missing.value)


def test_the_home_is_that_of_the_environment_else_the_user_s(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("HOME", str(tmp_path))
    assert read_settings({"TASKER_HOME": "~/tasks"}).home == tmp_path / "tasks"
    environment.chdir(tmp_path)
    assert read_settings({"TASKER_HOME": "here"}).home == tmp_path / "here"
    environment.setattr(settings.os, "geteuid", lambda: 1000)
    assert read_settings({}).home == platformdirs.user_data_path("tasker")
    environment.setattr(settings.os, "geteuid", lambda: 0)
    assert read_settings({"TASKER_HOME": ""}).home == Path("/var/lib/tasker")
