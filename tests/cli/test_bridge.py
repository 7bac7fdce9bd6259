"""Handlers in other languages from the command line: one task through four languages, and a program that is tried."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "bridge"

TEMPLATE = """\
name: four
namespace_name: cli
version: 1.0.0
steps:
  - {name: python_part, handler: {callable: in_python}}
  - {name: ruby_part, handler: {callable: in_ruby}, dependencies: [python_part]}
  - {name: typescript_part, handler: {callable: in_typescript}, dependencies: [ruby_part]}
  - {name: shell_part, handler: {callable: echo}, dependencies: [typescript_part]}
"""
PYTHON = r"""from tasker import StepContext, handler

@handler("in_python")
def first(input: dict, ctx: StepContext) -> list[str]:
    ctx.logger.info("in Python", extra={"n": 1, "name": "p\n"})
    return ["python"]
"""
RUBY = r"""require "tasker"
Tasker.step("in_ruby") do |python_part:, ctx:|
  ctx.logger.info("in Ruby", n: 2, name: "r\n")
  python_part + ["ruby"]
end
"""
TYPESCRIPT = r"""import { step } from "tasker-pg";
step<unknown, string[]>("in_typescript", ({ results, ctx }) => {
  ctx.logger.warning("in TypeScript", { n: 3, name: "t\n" });
  return [...(results["ruby_part"] as string[]), "typescript"];
});
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "four.yaml").write_text(TEMPLATE)
    (tmp_path / "first.py").write_text(PYTHON)
    (tmp_path / "second.rb").write_text(RUBY)
    (tmp_path / "third.ts").write_text(TYPESCRIPT)
    return tmp_path


def test_one_worker_runs_a_task_through_four_languages(cli, start, folder):
    program = f"sh {EXAMPLES / 'handlers.sh'}"
    files = [str(folder / name) for name in ("first.py", "second.rb", "third.ts")]
    worker = start("worker", *files, "--exec", program, "--templates", str(folder / "four.yaml"))
    worker.wait_for("serves cli")
    ran = cli("task", "submit", "cli/four", '{"shell": true}', "--wait", "-o", "json")
    assert ran.json["result"] == {"shell": True}
    task = ran.json["task_id"]
    result = cli("step", "show", f"{task}/typescript_part", "-o", "json").json["result"]
    assert result == ["python", "ruby", "typescript"]
    for said in (
        r'INFO    tasker.handler  in Python n=1 name_="p\n" step="python_part" attempt=1 task_id=',
        r'INFO    tasker.handler  in Ruby n=2 name_="r\n" step="ruby_part" attempt=1 task_id=',
        r'WARNING tasker.handler  in TypeScript n=3 name_="t\n" step="typescript_part" attempt=1 task_id=',
    ):
        worker.wait_for(said)
    assert worker.stop(signal.SIGTERM) == 0
    assert "Traceback" not in worker.text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "there is nothing to run"),
        (["no_such.rb"], 1, "there is no file no_such.rb"),
        (["no_such"], 1, "there is no module no_such"),
        (["--exec", "sh 'unfinished"], 2, "cannot be read"),
        (["--exec", ""], 2, "is empty"),
        (["--exec", " "], 2, "is empty"),
        (["--exec", "./no_such -x"], 3, "there is no program ./no_such"),
    ],
)
def test_what_cannot_be_run_is_said(cli, arguments, code, said):
    ran = cli("worker", *arguments, "--queue", "cli")
    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_a_file_that_does_not_load_ends_the_worker_and_says_why(start, folder):
    (folder / "second.rb").write_text("this is no ruby (")
    worker = start("worker", str(folder / "second.rb"), "--queue", "cli")
    assert worker.popen.wait(60) == 2
    assert "the handlers of ruby cannot be run" in worker.text and "second.rb" in worker.text


def test_a_program_is_tried_against_the_protocol(cli):
    ran = cli("bridge", "test", "--profile", "minimal", "--", "sh", EXAMPLES / "handlers.sh")
    assert ran.code == 0, ran.out
    assert "21 of 21 cases passed" in ran.err


def test_a_program_that_breaks_the_protocol_is_told_which_promise(cli):
    mute = (sys.executable, "-c", "import sys; sys.stdin.read()")
    ran = cli(
        "bridge", "test", "--profile", "minimal", "--patience", 0.2, "-o", "json", "--", *mute
    )
    assert ran.code == 1
    assert [case["passed"] for case in ran.json] == [False]
    assert "does it flush its output" in ran.json[0]["fault"]
    assert "0 of 21 cases passed; 20 were not run" in ran.err
    assert "initialize" in ran.json[0]["said"][0]
    assert cli("bridge", "test", "--", "/no/such/program").code == 3
    assert "echo" in cli("bridge", "handlers", "-o", "ids").ids


def test_a_reader_that_has_enough_ends_the_kit_quietly():
    program = f"{sys.executable} -m tasker.cli bridge test --profile minimal -- sh {EXAMPLES / 'handlers.sh'} | true"
    ran = subprocess.run(["sh", "-c", program], capture_output=True, text=True, timeout=60)
    assert "cannot be started" not in ran.stderr and "Traceback" not in ran.stderr
