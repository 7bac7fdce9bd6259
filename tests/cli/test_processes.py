"""Worker, orchestrator, dev and a watch on a terminal, as the processes that they are."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

MODULE = """\
import anyio, time
from tasker import Workflow, Retry
flow = Workflow("greet", namespace="cli", version="{version}")

@flow.step
async def hello(input: dict) -> str:
    await anyio.sleep(input.get("sleep", 0))
    return "hello {who}"
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "greet_flow.py"

    def write(version="1.0.0", who="world"):
        path.write_text(MODULE.format(version=version, who=who))
        later = time.time_ns() + 2_000_000_000 * int(version[0])
        os.utime(path, ns=(later, later))
        return path

    write()
    return write


def result(ran):
    return ran.json["result"]


@pytest.mark.parametrize("name", ["greet_flow", "greet_flow.py"])
def test_a_worker_runs_a_module_and_stops_when_asked(cli, start, module, name):
    worker = start("worker", name, "--name", "w1")
    worker.wait_for("worker w1 serves cli")
    assert result(cli("task", "submit", "cli/greet", "--wait", "-o", "json")) == "hello world"
    (row,) = cli("queue", "workers", "-o", "json").json
    assert (row["name"], row["queues"]) == ("w1", ["cli"])
    assert worker.stop(signal.SIGTERM) == 0
    assert "Traceback" not in worker.text


def test_a_stopping_worker_lets_its_handlers_end(cli, start, module):
    worker = start("worker", "greet_flow")
    worker.wait_for("serves")
    task = cli("task", "submit", "cli/greet", '{"sleep": 1.5}', "-o", "ids").ids[0]
    wait_for_state(cli, f"{task}/hello", "in_progress")
    assert worker.stop(signal.SIGINT) == 0
    assert cli("task", "show", task, "-o", "json").json["state"] == "complete"


def test_a_second_signal_does_not_wait(cli, start, module):
    worker = start("worker", "greet_flow")
    worker.wait_for("serves")
    task = cli("task", "submit", "cli/greet", '{"sleep": 60}', "-o", "ids").ids[0]
    wait_for_state(cli, f"{task}/hello", "in_progress")
    worker.popen.send_signal(signal.SIGTERM)
    worker.wait_for("stopping")
    assert worker.stop(signal.SIGTERM) == 130


@pytest.mark.parametrize(
    ("content", "said"),
    [("import nonesuch", "greet_flow.py:1: ModuleNotFoundError"), ("x = 1", "no workflow")],
)
def test_a_module_that_cannot_run_is_one_line_and_code_1(start, module, content, said):
    module().write_text(content)
    worker = start("worker", "greet_flow")
    assert worker.popen.wait(30) == 1
    assert said in worker.text and len(worker.text.splitlines()) == 1


def test_handlers_serve_templates_from_yaml(cli, start, tmp_path):
    (tmp_path / "yaml_handlers.py").write_text(
        "from tasker import handler\n"
        "@handler('greet')\n"
        "def greet(input: dict) -> str:\n"
        "    return 'from yaml'\n"
    )
    (tmp_path / "t.yaml").write_text(
        "name: greet\nnamespace_name: yam\nversion: 1.0.0\n"
        "steps:\n  - {name: hello, handler: {callable: greet}}\n"
    )
    lonely = start("worker", "yaml_handlers")
    assert lonely.popen.wait(30) == 2 and "--templates" in lonely.text
    worker = start("worker", "yaml_handlers", "--templates", "t.yaml")
    worker.wait_for("serves yam")
    assert result(cli("task", "submit", "yam/greet", "--wait", "-o", "json")) == "from yaml"


def test_a_reloading_worker_follows_its_source(cli, start, module):
    worker = start("worker", "greet_flow", "--reload")
    worker.wait_for("serves")
    module("2.0.0", who="again")
    worker.wait_for("greet_flow.py changed, restarting")
    wait_for(lambda: len(cli("template", "list", "-o", "ids").ids) == 2)
    assert result(cli("task", "submit", "cli/greet", "--wait", "-o", "json")) == "hello again"
    assert worker.stop(signal.SIGTERM) == 0


def test_an_orchestrator_reports_and_stops_when_asked(cli, start):
    orchestrator = start("orchestrator", "--name", "o1")
    wait_for(lambda: subject(cli, "orchestrator")["level"] == "ok")
    assert "o1" in subject(cli, "orchestrator")["found"]
    assert orchestrator.stop(signal.SIGTERM) == 0
    assert "Traceback" not in orchestrator.text
    assert start("orchestrator", "--retention", "soon").popen.wait(30) == 2


def test_dev_runs_its_example_with_a_retry_and_stops_everything(cli, start):
    dev = start("dev")
    dev.wait_for("example: run another")
    assert "↻ charge waiting for retry (attempt 1 of 5)" in dev.text
    assert "✓ ship complete" in dev.text
    assert subject(cli, "workers")["level"] == "ok"
    assert dev.stop(signal.SIGINT) == 0
    wait_for(lambda: cli("queue", "workers", "-o", "json").json == [])


def test_dev_runs_a_module_of_the_user_s(cli, start, module):
    dev = start("dev", "greet_flow")
    dev.wait_for("greet_flow; starts again when a file in")
    wait_for(lambda: cli("template", "list", "-o", "ids").ids == ["cli/greet@1.0.0"])
    assert result(cli("task", "submit", "cli/greet", "--wait", "-o", "json")) == "hello world"
    assert dev.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nonesuch_flow"], "there is no module nonesuch_flow."),
        (["nonesuch.py"], "there is no file nonesuch.py"),
        (["nonesuch.ts"], "there is no file nonesuch.ts"),
        (["greet_flow", "nonesuch.rb"], "there is no file nonesuch.rb"),
        (["greet_flow", "--templates", "nonesuch.yaml"], "there is no file nonesuch.yaml"),
    ],
)
def test_what_is_missing_ends_dev_at_once(start, module, given, said):
    dev = start("dev", *given)
    assert dev.popen.wait(30) == 1
    assert dev.text.startswith(f"error: {said}")
    assert len(dev.text.splitlines()) == 1


def test_a_file_that_is_taken_away_later_is_waited_for(start, tmp_path):
    handlers = tmp_path / "handlers.rb"
    handlers.write_text("raise 'not yet'")
    dev = start("dev", "handlers.rb", "-q", "cli")
    dev.wait_for("it starts again when a file changes")
    handlers.unlink()
    dev.wait_for("handlers.rb changed, restarting")
    dev.wait_for("there is no file handlers.rb")
    assert dev.popen.poll() is None
    assert dev.stop(signal.SIGTERM) == 0


def test_watching_on_a_terminal_redraws_in_place(cli, shop, database, complete_step):
    task = cli("task", "submit", shop, "-o", "ids").ids[0]
    leader, follower = pty.openpty()
    watch = subprocess.Popen(
        [sys.executable, "-m", "tasker.cli", "task", "watch", task, "--interval", "0.05"],
        env={**os.environ, "TASKER_DATABASE_URL": database, "TERM": "xterm", "COLUMNS": "100"},
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = read_until(leader, "○ ship")
    for _ in range(4):
        complete_step()
    seen += read_until(leader, "✓ ship")
    assert watch.wait(30) == 0
    os.close(leader)
    assert "\x1b[" in seen and "shop/order" in seen


def subject(cli, name):
    rows = cli("doctor", "-o", "json").json
    return next(row for row in rows if row["subject"] == name)


def wait_for(what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def wait_for_state(cli, step, state):
    wait_for(lambda: json.loads(cli("step", "show", step, "-o", "json").out)["state"] == state)


def read_until(descriptor, text, seconds=60.0):
    seen = b""
    deadline = time.monotonic() + seconds
    while text.encode() not in seen:
        ready, _, _ = select.select([descriptor], [], [], deadline - time.monotonic())
        assert ready, f"no {text!r} in {seen.decode(errors='replace')}"
        seen += os.read(descriptor, 65536)
    return seen.decode(errors="replace")
