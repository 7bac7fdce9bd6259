"""What a type checker makes of a program that uses workflows. Lines marked `# wrong` must be refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """\
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from tasker import Retry, StepContext, StepHandler, Workflow, handler


class Order(BaseModel):
    id: str


class Cart(BaseModel):
    total: int


orders = Workflow("order", namespace="shop", input=Order, time_limit="1h")


@orders.step
async def validate(input: Order) -> Cart:
    return Cart(total=len(input.id))


@orders.step(retry=Retry(max_attempts=5, permanent=(ValueError, "Refused")), timeout="30s")
def pay(validate: Cart, ctx: StepContext) -> int:
    return validate.total * ctx.attempt


@handler("ship")
def ship(pay: int) -> str:
    return str(pay)


class Audit(StepHandler):
    name = "audit"

    async def call(self, input: Order) -> None: ...


@handler("other")
class Other:
    def call(self, input: Order) -> str:
        return input.id


later: Coroutine[Any, Any, Cart] = validate(Order(id="1"))
assert_type(ship(3), str)
assert_type(Other().call(Order(id="1")), str)
Retry(base=timedelta(seconds=1), cap=60, backoff="fixed")

pay("cart")  # wrong
ship()  # wrong
Retry(backoff="cubic")  # wrong
Retry(permanent=(3,))  # wrong
orders.step(timeout=[1])  # wrong
orders.step(retires=3)  # wrong
orders.step("name")  # wrong
handler(7)  # wrong
"""


def test_a_type_checker_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "pyright",
            "--pythonpath",
            sys.executable,
            "--outputjson",
            "-p",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    diagnostics = json.loads(checked.stdout)["generalDiagnostics"]
    refused = {one["range"]["start"]["line"] + 1: one["message"] for one in diagnostics}
    wrong = {n for n, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")}
    assert set(refused) == wrong, refused
