"""The plugin in a suite of somebody else's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.fix_postgres import Server

SUITE = """
    import pytest
    from tasker import StepContext, Workflow

    flow = Workflow("sleeper")

    @flow.step
    async def doze(ctx: StepContext) -> str:
        await ctx.sleep("30d")
        return "awake"

    @pytest.mark.parametrize("n", range(3))
    def test_sync(tasker, n):
        task = tasker.submit(flow)
        tasker.clock.advance("30d")
        assert task.result() == "awake"

    @pytest.mark.anyio
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_async(async_tasker, anyio_backend):
        assert await async_tasker.run(flow) == "awake"
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, server: Server) -> pytest.Pytester:
    """A suite of tests, told where to make databases."""
    pytester.makeini(f"[pytest]\ntasker_database_url = {server.url()}\nfilterwarnings = error")
    return pytester


def left(server: Server) -> list[str]:
    with psycopg.connect(server.url()) as connection:
        found = connection.execute(
            "select datname from pg_database where datname ~ '^tasker_(test|template)_'"
        )
        return sorted(row[0] for row in found)


def test_sync_and_async_tests_have_databases_of_their_own(
    suite: pytest.Pytester, server: Server
) -> None:
    suite.makepyfile(SUITE)
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)
    [template] = [name for name in left(server) if not name.startswith("tasker_test_")]
    assert template.startswith("tasker_template_")
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)
    assert template in left(server)


def test_what_a_killed_run_has_left_is_dropped(suite: pytest.Pytester, server: Server) -> None:
    suite.makepyfile(SUITE)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create database tasker_test_17_1")
        connection.execute("create database tasker_test_18_1")
        connection.execute("select pg_advisory_lock(x'72756e73'::integer, 18)")
        suite.runpytest_subprocess("-k", "test_async").assert_outcomes(passed=1, deselected=3)
        found = left(server)
        connection.execute("drop database tasker_test_18_1")
    assert "tasker_test_17_1" not in found
    assert "tasker_test_18_1" in found


def test_a_fault_that_never_came_about_fails_the_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        SUITE
        + """
    def test_fault(tasker):
        tasker.faults.crash_after("claim", step="doze")
        tasker.register(flow)
    """
    )
    result = suite.runpytest_subprocess("-k", "test_fault")
    result.assert_outcomes(passed=1, errors=1, deselected=4)
    result.stdout.fnmatch_lines(["*faults that never came about: crash after claim of step doze*"])


def test_a_failed_step_is_explained_in_the_report(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from tasker import PermanentError, Workflow

        flow = Workflow("broken")

        @flow.step
        def snap() -> None:
            raise PermanentError("in two")

        def test_it(tasker):
            tasker.run(flow)
        """
    )
    result = suite.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*TaskFailed:*",
            "*snap: PermanentError: in two*",
            '*raise PermanentError("in two")*',
            "*snap: error (PermanentError)*",
        ]
    )


def test_a_role_that_may_not_create_databases_is_told_so(
    suite: pytest.Pytester, server: Server
) -> None:
    suite.makepyfile(SUITE)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create role tester login")
        result = suite.runpytest_subprocess(
            "-k", "test_async", "--tasker-database-url", server.url(user="tester")
        )
        connection.execute("alter role tester createdb")
        allowed = suite.runpytest_subprocess(
            "-k", "test_async", "--tasker-database-url", server.url(user="tester")
        )
        owned = connection.execute(
            "select datname from pg_database where pg_get_userbyid(datdba) = 'tester'"
        ).fetchall()
        for (name,) in owned:
            connection.execute(f"drop database {name}".encode())
        connection.execute("drop role tester")
    result.stdout.fnmatch_lines(["*the role tester may not create databases for tests*createdb*"])
    allowed.assert_outcomes(passed=1, deselected=3)
    assert [name.split("_")[1] for (name,) in owned] == ["template"]


def test_a_server_that_does_not_answer_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    nobody = "postgresql://nobody@localhost:1/none"
    result = pytester.runpytest_subprocess("-k", "test_async", "--tasker-database-url", nobody)
    result.stdout.fnmatch_lines(
        ["*the server for tests, as --tasker-database-url*does not answer*"]
    )


def test_a_suite_that_does_not_use_it_pays_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, sys

        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.hasplugin("tasker")
            heavy = {"tasker.client", "tasker.worker", "tasker_sql", "psycopg", "pydantic", "anyio.abc"}
            assert not heavy & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:anyio", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)


def test_it_starts_a_server_by_itself(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("TASKER_HOME", str(folder))
    monkeypatch.setenv("TASKER_DATABASE_URL", "postgresql://nobody@nowhere/never")
    pytester.makepyfile(SUITE)
    done = pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=4)
    assert sorted(path.name for path in folder.iterdir()) == ["testing"]


def test_runs_at_the_same_time_share_a_server(suite: pytest.Pytester, server: Server) -> None:
    suite.makepyfile(SUITE)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for name in left(server):
            connection.execute(f"drop database {name}".encode())
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    runs = [
        suite.popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(3)
    ]
    for run in runs:
        output, _ = run.communicate(timeout=120)
        assert run.returncode == 0, output.decode()
    assert [name for name in left(server) if "unfinished" in name] == []
