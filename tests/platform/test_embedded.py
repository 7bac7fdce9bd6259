"""The embedded PostgreSQL under processes that share it, leave it, and are killed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import psycopg
import pytest
from tests.fix_postgres import unprivileged_user
from tests.platform.conftest import Home, User, runs, until

COUNT = "select count(*) from kept"


def keep_something(user: User) -> None:
    with psycopg.connect(user.url, autocommit=True) as connection:
        connection.execute("create table kept (n integer); insert into kept values (7)")


def test_processes_share_a_server_which_ends_with_the_last(home: Home) -> None:
    users: list[User] = []
    threads = [threading.Thread(target=lambda: users.append(home.use())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = users
    assert one.url == other.url
    keep_something(one)
    assert one.leave() == ""
    assert other.ask(COUNT) == 1
    assert other.leave() == ""
    assert home.postmaster() is None
    again = home.use()
    assert again.ask(COUNT) == 1


def test_a_killed_process_neither_stops_the_server_nor_keeps_it_running(home: Home) -> None:
    killed, other = home.use(), home.use()
    postmaster = home.postmaster()
    killed.kill()
    assert other.ask("select 1") == 1
    late = home.use()
    assert home.postmaster() == postmaster
    other.leave()
    assert late.ask("select 1") == 1
    late.kill()
    assert home.postmaster() == postmaster  # nobody was left to stop it
    home.use().leave()
    assert home.postmaster() is None


def test_all_is_there_again_after_everything_was_killed(home: Home) -> None:
    user, other = home.use(), home.use()
    keep_something(user)
    for one in (user, other):
        one.kill()
    home.kill_server()
    again = home.use()
    assert again.ask(COUNT) == 1
    assert again.ask("select count(*) from tasker.migration") == 1
    again.leave()
    assert home.postmaster() is None


def after_a_restart(pid: int, content: list[str]) -> list[str]:
    """The machine has started again, and another process has the server's number by now."""
    return [str(pid), *content[1:]]


def killed_while_it_started(_: int, content: list[str]) -> list[str]:
    return content[:5]


def without_power(_: int, __: list[str]) -> list[str]:
    return []


@pytest.mark.parametrize("damage", [after_a_restart, killed_while_it_started, without_power])
def test_what_a_dead_server_left_behind_is_no_hindrance(
    home: Home, damage: Callable[[int, list[str]], list[str]]
) -> None:
    user = home.use()
    keep_something(user)
    user.kill()
    content = (home.data / "postmaster.pid").read_text().splitlines()
    home.kill_server()
    other = home.popen("-c", "import sys; sys.stdin.read()")
    (home.data / "postmaster.pid").write_text("\n".join(damage(other.pid, content)))
    (home.data / ".s.PGSQL.5432.lock").write_text("\n".join(damage(other.pid, content)))
    again = home.use()
    assert again.ask(COUNT) == 1
    assert again.leave() == ""
    assert other.poll() is None


def test_a_server_that_lost_only_its_first_process_starts_again(home: Home) -> None:
    user = home.use()
    keep_something(user)
    postmaster = home.postmaster()
    assert postmaster is not None
    postmaster.kill()
    until(lambda: not runs(postmaster))
    other = home.use()
    assert other.ask(COUNT) == 1


def test_the_last_to_leave_stops_the_server_that_runs_by_then(home: Home) -> None:
    first = home.use()
    home.kill_server()
    second = home.use()
    second.leave()
    assert home.postmaster() is not None
    assert first.leave() == ""
    assert home.postmaster() is None


def test_a_reset_stops_it_and_deletes_all_and_says_so(home: Home) -> None:
    assert home.run("db", "path") == (0, f"{home.data}\n", "")
    code, _, said = home.run("db", "reset")
    assert (code, said) == (0, f"there is nothing in {home.data}\n")
    user = home.use()
    keep_something(user)
    postmaster = home.postmaster()
    assert postmaster is not None
    code, _, said = home.run("db", "reset", "--yes")
    assert (code, said) == (0, f"deleted {home.data}\n")
    assert not home.data.exists()
    assert not runs(postmaster)
    assert user.leave() == ""
    assert not home.data.exists()
    again = home.use()
    assert again.ask("select to_regclass('kept')") is None
    assert again.ask("select count(*) from tasker.migration") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="others are already run as a plain user")
def test_plain_users_and_root_each_have_one_at_the_same_time(
    make_home: Callable[..., Home],
) -> None:
    plain = unprivileged_user()
    homes = [make_home(), make_home(plain), make_home("nobody")]
    users = [home.use() for home in homes]
    owners = []
    for home in homes:
        postmaster = home.postmaster()
        assert postmaster is not None
        owners.append(postmaster.username())
    assert owners == ["pgserver", plain, "nobody"]
    assert len({user.url for user in users}) == 3
    for user in users:
        user.leave()
    assert [home.postmaster() for home in homes] == [None] * 3


def test_a_folder_that_cannot_be_used_is_told_in_one_line(home: Home) -> None:
    home.folder.rmdir()
    home.folder.write_text("a file")
    try:
        code, out, said = home.run("task", "list")
    finally:
        home.folder.unlink()
    assert (code, out) == (5, "")
    assert f"the embedded PostgreSQL in {home.data} did not start" in said
    assert "TASKER_HOME" in said
    assert "Traceback" not in said


def test_a_server_that_does_not_start_is_told_with_its_log(home: Home) -> None:
    home.use().leave()
    with (home.data / "postgresql.conf").open("a") as configuration:
        configuration.write("shared_buffers = many\n")
    code, _, said = home.run("task", "list")
    assert code == 5
    assert str(home.data / "log") in said
    assert "Traceback" not in said
    assert home.run("db", "reset", "--yes")[0] == 0
    assert home.use().ask("select 1") == 1


def test_a_process_may_reset_and_start_again(home: Home) -> None:
    """As tests do that want a clean one each time."""
    program = """
import os
from pathlib import Path
import psycopg
from tasker.embedded import reset_embedded, start_embedded
home = Path(os.environ["TASKER_HOME"])
for _ in range(2):
    with psycopg.connect(start_embedded(home).conninfo) as connection:
        connection.execute("create table mine ()")
    reset_embedded(home)
"""
    process = home.popen("-c", program)
    assert process.communicate(timeout=120) == ("", "")
    assert process.returncode == 0
    assert not home.data.exists()
