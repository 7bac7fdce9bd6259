"""`tasker template diff` and `check-running`."""

import json
import sys

import pytest
from tests.bridge.support import COMMAND
from tests.engine.support import call, claim, complete, exchange, register_worker, submit

OLD = """\
name: order
namespace_name: shop
version: 1.0.0
input_schema: {type: object, required: [id], properties: {id: {type: string}}}
steps:
  - name: cart
    handler: {callable: shop.cart}
  - name: pay
    handler: {callable: shop.pay}
    dependencies: [cart]
"""
NEW = OLD.replace("1.0.0", "2.0.0").replace("required: [id]", "required: [id, who]")
MODULE = """\
from pydantic import BaseModel
from tasker import Workflow, handler
class Order(BaseModel):
    id: str
order = Workflow("order", namespace="shop", version="3.0.0", input=Order)
@order.step
def cart(input: Order) -> int: ...
other = Workflow("other", namespace="shop")
@other.step
def only() -> int: ...
@handler("shop.cart")
def old_cart(input: Order): ...
@handler("shop.pay")
def old_pay(cart): ...
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, text in (("old.yaml", OLD), ("new.yaml", NEW), ("flows.py", MODULE)):
        (tmp_path / name).write_text(text)
    yield tmp_path
    sys.modules.pop("flows", None)


def test_two_files_are_compared_without_a_database(cli, folder):
    ran = cli("template", "diff", "old.yaml", "new.yaml", TASKER_DATABASE_URL="nowhere")
    assert ran.code == 1
    assert ran.out.startswith("shop/order@1.0.0 → shop/order@2.0.0")
    assert "callers  input narrowed  input_schema" in ran.out
    assert "at $.who: is required, but is not given" in ran.out
    assert ran.out.rstrip().endswith("It breaks callers.")
    same = cli("template", "diff", "old.yaml", "old.yaml")
    assert (same.code, "Nothing has changed." in same.out) == (0, True)


def test_the_answer_as_data_and_who_counts(cli, folder):
    ran = cli("template", "diff", "old.yaml", "new.yaml", "-o", "json", "--breaks", "readers")
    assert ran.code == 0
    [change] = ran.json["changes"]
    assert {**change, "what": ""} == {
        "code": "input",
        "sort": "narrowed",
        "path": ["input_schema"],
        "breaks": "callers",
        "what": "",
    }
    assert (ran.json["old"], ran.json["breaks"]) == ("shop/order@1.0.0", [])
    assert cli("template", "diff", "old.yaml", "new.yaml", "-o", "ids").ids == ["input_schema"]


def test_a_registered_version_against_a_module(cli, folder):
    assert cli("template", "register", "old.yaml").code == 0
    ran = cli("template", "diff", "shop/order@1.0.0", "flows.py", "-o", "json")
    assert (ran.code, ran.json["new"]) == (1, "shop/order@3.0.0")
    named = cli("template", "diff", "shop/order", "flows:order", "-o", "json")
    assert named.json == ran.json
    assert cli("template", "diff", "shop/ordre", "old.yaml").code == 3


def test_what_is_not_one_template_is_told(cli, folder):
    ran = cli("template", "diff", "flows.py", "flows.py")
    assert ran.code == 2
    assert "flows.py has not one template, but: shop/order@3.0.0, shop/other@1.0.0" in ran.err
    ran = cli("template", "diff", "flows:nothing", "old.yaml")
    assert ran.code == 3
    assert "There are: order, other." in ran.err


def test_a_deployment_is_held_against_the_tasks_under_way(cli, folder, connection):
    assert cli("template", "check-running", "flows.py").code == 0
    cli("template", "register", "old.yaml")
    submit(connection, "order", {"id": "1"}, namespace="shop")
    ran = cli("template", "check-running", "flows.py", "--templates", "old.yaml")
    assert ran.code == 0, ran.out
    assert "All tasks under way can go on." in ran.out
    assert "2 step(s) of 1 version(s) needed" in ran.err


def test_what_is_missing_or_does_not_fit_is_listed(cli, folder, connection):
    cli("template", "register", "old.yaml")
    submit(connection, "order", {"id": "1"}, namespace="shop")
    (folder / "flows.py").write_text(
        MODULE.replace("id: str", "id: int").replace("shop.pay", "shop.pya")
    )
    (folder / "old.yaml").write_text(OLD.replace("name: pay", "name: charge"))
    ran = cli("template", "check-running", "flows.py", "--templates", "old.yaml", "-o", "json")
    assert ran.code == 1
    assert [(u["code"], u["step"], u["tasks"]) for u in ran.json] == [
        ("version-changed", None, 1),
        ("takes-less", "cart", 1),
        ("handler-missing", "pay", 1),
    ]
    table = cli("template", "check-running", "flows.py")
    assert 'there is no handler shop.pay here. Did you mean "shop.pya"?' in table.out
    assert cli("template", "check-running", "flows.py", "-o", "ids").ids == ["shop/order@1.0.0"]
    exchange(worker := register_worker(connection, "shop"), [complete(claim(worker)[0])], want=0)
    assert [u["step"] for u in cli("template", "check-running", "flows.py", "-o", "json").json] == [
        "pay"
    ]


def test_children_are_asked_what_they_have(cli, folder, connection):
    (folder / "echo.yaml").write_text(OLD.replace("shop.cart", "echo").replace("shop.pay", "pid"))
    cli("template", "register", "echo.yaml")
    submit(connection, "order", {"id": "1"}, namespace="shop")
    program = " ".join(COMMAND)
    assert cli("template", "check-running", "--exec", program).code == 0
    says = json.dumps({"handlers": [{"name": "echo", "input_schema": {"type": "integer"}}]})
    ran = cli("template", "check-running", "--exec", program, "-o", "json", CHILD_SAYS=says)
    assert [(u["code"], u["step"]) for u in ran.json] == [
        ("takes-less", "cart"),
        ("handler-missing", "pay"),
    ]
    assert call(connection, "list_needed_steps")[0]["tasks"] == 1


def test_a_deployment_must_be_named(cli):
    ran = cli("template", "check-running")
    assert (ran.code, "there is no deployment to check" in ran.err) == (2, True)
