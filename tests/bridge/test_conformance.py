"""The conformance kit: children that pass it, and that it finds what is wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bridge.support import COMMAND

from tasker_ffi_bridge.conformance import Case, Verdict, load_cases, try_child

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parents[2] / "examples" / "bridge"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def faults(command: tuple[str, ...], cases: list[Case], patience: float = 30) -> list[str]:
    trying = try_child(command, cases, patience=patience)
    return [_show(verdict) async for verdict in trying if verdict.fault]


def _show(verdict: Verdict) -> str:
    return "\n".join([f"{verdict.case.name}: {verdict.fault}", *verdict.said])


async def test_a_child_in_shell_keeps_the_minimal_profile() -> None:
    assert await faults(("sh", str(EXAMPLES / "handlers.sh")), load_cases("minimal")) == []


async def test_a_child_in_perl_keeps_all_of_the_protocol() -> None:
    assert await faults(("perl", str(EXAMPLES / "handlers.pl")), load_cases("full")) == []


async def test_a_child_in_go_keeps_all_of_the_protocol(tmp_path: Path) -> None:
    go = shutil.which("go")
    assert go, (
        "there is no go: sh checks/setup_debian.sh installs it as root, or install it by hand (1.19 or newer)"
    )
    program = tmp_path / "handlers"
    environment = {**os.environ, "GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    built = await asyncio.create_subprocess_exec(
        go,
        "build",
        "-buildvcs=false",
        "-o",
        str(program),
        ".",
        cwd=EXAMPLES / "go",
        env=environment,
    )
    assert await built.wait() == 0
    assert await faults((str(program),), load_cases("full")) == []


async def test_a_child_that_breaks_its_promises_is_found_out() -> None:
    """The host's own test child has the handler echo alone, and knows no errors."""
    names = ("echo", "unknown_handler", "no_json")
    cases = [case for case in load_cases("full") if case.name in names]
    found = await faults(COMMAND, cases, patience=1)
    assert [line.split(":")[0] for line in found] == ["unknown_handler", "no_json"]
    assert "-> " in found[0] and "it said nothing" in found[0]


async def test_a_child_that_does_not_flush_is_tried_once_and_told_so() -> None:
    program = "import sys; sys.stdin.read()"  # what it would answer stays in its buffer
    trying = try_child((sys.executable, "-c", program), load_cases("full"), patience=0.5)
    [verdict] = [verdict async for verdict in trying]
    assert verdict.fault is not None
    assert "did not answer initialize" in verdict.fault and "flush" in verdict.fault


# What a child may get wrong, as a change to the host's own test child, and the cases that find it.
CARELESS = """
import json, sys
begun, open_runs, left = False, {}, None
for line in sys.stdin:
    try:
        message = json.loads(line)
    except ValueError:
        print('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no JSON"}}', flush=True)
        continue
    id, method, params = message.get("id"), message.get("method"), message.get("params", {})
    result = error = None
    if method == "initialize":
        names = [{"name": name} for name in ("echo", "hang", "parent")]
        result = {"protocol": "1.0", "concurrency": 2, "handlers": names}
    elif method == "execute" and params["handler"] == "echo":
        result = {"outcome": "complete", "result": params["task"]["input"]}
    elif method == "execute" and params["handler"] == "parent":
        open_runs[params["run"]] = id
        asked = {"run": params["run"], "name": "kid", "template": "kit/other", "input": {"a": 1}}
        print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "start_task", "params": asked}), flush=True)
    elif method == "execute":
        open_runs[params["run"]] = id
    elif method == "cancel" and params["run"] in open_runs:
        id, result = open_runs.pop(params["run"]), {"outcome": "cancelled"}
    elif method in ("shutdown", "ping"):
        result = {}
    elif method is None and "task_id" in message.get("result", {}):
        id, result = open_runs.popitem()[1], {"outcome": "complete", "result": None}
    if result is not None:
        print(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}), flush=True)
"""


async def test_a_careless_child_is_found_out() -> None:
    """It answers what it is asked, whenever that comes, and takes whatever its JSON does."""
    careless = (
        "before_initialize",
        "initialize_twice",
        "too_many",
        "behind_shutdown",
        "half_a_pair",
        "parent_lost",
    )
    cases = [case for case in load_cases("full") if case.name in ("echo", *careless)]
    found = await faults((sys.executable, "-c", CARELESS), cases, patience=2)
    assert sorted(line.split(":")[0] for line in found) == sorted(careless)


async def test_a_child_whose_json_has_no_depth_is_found_out() -> None:
    [case] = [case for case in load_cases("full") if case.name == "too_deep"]
    program = "import sys; sys.setrecursionlimit(10**6)\n" + CARELESS
    [found] = await faults((sys.executable, "-c", program), [case], patience=2)
    assert "error is missing" in found or "id is 2" in found


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("print('hello', flush=True); input()", "no JSON"),
        ("print('[1]', flush=True); input()", "no object"),
        ("print('{\"id\":1}', flush=True); input()", 'left out "jsonrpc"'),
        ("import sys; sys.exit('gone')", "its output ended"),
        (
            """print('{"jsonrpc":"2.0","id":1,"result":{"protocol":"1.0","handlers":[],"concurrency":0}}')""",
            "concurrency is 0, not a whole number from 1 to 1000",
        ),
    ],
)
async def test_what_is_wrong_is_said(program: str, fault: str) -> None:
    [first, *_] = load_cases("minimal")
    [found] = await faults((sys.executable, "-c", program), [first])
    assert fault in found


@pytest.mark.parametrize(
    "program",
    [
        "head -c 80000000 /dev/zero; exec sleep 100",  # more than is read of a line
        "setsid sleep 10 & exit 0",  # what it leaves behind holds its output
    ],
)
async def test_a_child_that_cannot_be_heard_out_is_given_up(program: str) -> None:
    async with asyncio.timeout(5):
        [_] = await faults(("sh", "-c", program), load_cases("minimal")[:1], patience=0.3)


def test_nothing_of_a_child_is_left_to_a_loop_that_is_closed() -> None:
    program = (
        "import asyncio, gc\n"
        "from tasker_ffi_bridge.conformance import load_cases, try_child\n"
        "async def main():\n"
        "    command = ('sh', '-c', 'setsid sleep 5 & exit 0')\n"
        "    async for _ in try_child(command, load_cases('minimal')[:2], patience=0.1): pass\n"
        "asyncio.run(main())\n"
        "gc.collect()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


async def test_a_value_that_is_not_as_expected_is_shown_by_path() -> None:
    said = '{"jsonrpc":"2.0","id":1,"result":{"protocol":"3.0"}}'
    program = f"print({said!r}, flush=True); input()"
    [found] = await faults((sys.executable, "-c", program), load_cases("minimal")[:1])
    assert 'result.protocol is "3.0", not "1.0"' in found
