import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.types.json import Jsonb
from rich.console import Console
from tests.cli.samples import make_definition
from tests.engine import support
from typer.testing import CliRunner

from tasker.cli.app import app


@pytest.fixture
def draw():
    """Render a view as plain text, the way a terminal of that width shows it."""

    def render(view, width=120):
        console = Console(
            file=io.StringIO(), width=width, highlight=False, emoji=False, markup=False
        )
        console.print(view)
        return console.file.getvalue()

    return render


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def ids(self):
        return self.out.split()


@pytest.fixture
def cli(database):
    """Run a command in this process, on a database of its own."""

    def run(*arguments, stdin=None, **environment):
        result = CliRunner().invoke(
            app,
            [str(argument) for argument in arguments],
            input=stdin,
            env={"TASKER_DATABASE_URL": database, "COLUMNS": "200", **environment},
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def run_nowhere(*arguments, input=None):
    """Run a command that needs no database, where there is none."""
    nowhere = {"TASKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "COLUMNS": "300"}
    result = CliRunner().invoke(app, [*map(str, arguments)], input=input, env=nowhere)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def connection(database):
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


@pytest.fixture
def shop(connection):
    """The template shop/order, registered: validate, then pay and reserve, then ship."""
    definition = make_definition()
    connection.execute("select tasker.register_template(%s)", [Jsonb(definition)])
    return "shop/order"


@pytest.fixture
def fail_step(connection):
    """Take the next step of the queue `shop` as a worker would, and let it fail for good."""

    def fail():
        worker = support.register_worker(connection, "shop")
        support.hand_in(worker, support.fail(support.claim(worker, 1)[0], "CardDeclined"))

    return fail


@pytest.fixture
def complete_step(connection):
    """Take the next step of the queue `shop` as a worker would, and complete it."""

    def complete(result=None):
        worker = support.register_worker(connection, "shop")
        support.hand_in(worker, support.complete(support.claim(worker, 1)[0], result))

    return complete


@dataclass
class Process:
    """A command that runs until it is stopped, with all that it has written so far."""

    popen: subprocess.Popen
    path: object

    @property
    def text(self):
        return self.path.read_text()

    def wait_for(self, text, seconds=60.0):
        deadline = time.monotonic() + seconds
        while text not in self.text:
            assert self.popen.poll() is None, f"it ended: {self.text}"
            assert time.monotonic() < deadline, f"no {text!r} in: {self.text}"
            time.sleep(0.05)

    def stop(self, signum, seconds=30.0):
        self.popen.send_signal(signum)
        return self.popen.wait(seconds)


@pytest.fixture
def start(database, tmp_path):
    """Start a command as a process of its own, in an empty folder."""
    started = []

    def run(*arguments, **environment):
        path = tmp_path / f"output-{len(started)}"
        with path.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", "tasker.cli", *map(str, arguments)],
                cwd=tmp_path,
                env={**os.environ, "TASKER_DATABASE_URL": database, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        process = Process(popen, path)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.popen.poll() is None:
            process.popen.terminate()
            process.popen.wait(30)
