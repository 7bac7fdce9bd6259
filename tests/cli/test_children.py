import pytest
from psycopg.types.json import Jsonb
from tests.cli.samples import make_definition
from tests.engine import support


@pytest.fixture
def family(connection, shop):
    """A parent whose step has started a child, and waits for it: their ids."""
    kid = make_definition(name="kid", steps=[support.step("k")])
    connection.execute("select tasker.register_template(%s)", [Jsonb(kid)])
    parent = support.submit(connection, "order", namespace="shop")
    worker = support.register_worker(connection, "shop")
    lease = support.claim_one(worker)
    child = support.call(
        connection, "start_task", queue_id=lease.queue_id, msg_id=lease.msg_id, read_ct=lease.read_ct,
        task_id=lease.task_id, step_no=lease.step_no, name="first", child={"namespace": "shop", "template": "kid"},
    )  # fmt: skip
    wait = {"name": "task:first", "task": str(child)}
    support.hand_in(worker, support.outcome(lease, "wait", wait=wait))
    return str(parent), str(child)


def test_children_are_drawn_under_the_step_that_started_them(cli, family):
    parent, child = family
    lines = cli("task", "show", parent).out.splitlines()
    [at] = [
        n
        for n, line in enumerate(lines)
        if "validate" in line and "waiting" in line and "1" in line
    ]
    assert "task first: shop/kid" in lines[at + 1]
    assert "in progress" in lines[at + 1]
    assert child in lines[at + 1]
    assert f"it waits for task {child} (in_progress)" in " ".join(lines)
    document = cli("task", "show", parent, "-o", "json").json
    assert [c["task_id"] for c in document["children"]] == [child]


def test_a_child_says_whose_it_is(cli, family):
    parent, child = family
    assert f"{parent}/validate, as first" in cli("task", "show", child).out
    assert cli("task", "show", child, "-o", "json").json["parent"]["task_id"] == parent


def test_the_children_of_a_task_are_listed(cli, family):
    parent, child = family
    assert cli("task", "list", "--parent", parent, "-o", "ids").ids == [child]
    assert cli("task", "list", "--parent", child, "-o", "ids").ids == []
    listed = cli("task", "list", "--parent", parent, "-o", "json").json
    assert [task["parent_id"] for task in listed] == [parent]


def test_a_task_with_many_children_is_drawn_in_part(draw):
    from datetime import UTC, datetime

    from tasker.cli.graph_view import draw_task_graph

    now = datetime(2030, 1, 1, tzinfo=UTC)
    step = {
        "name": "a", "state": "waiting", "attempt": 1, "max_attempts": 3, "depends_on": [],
        "started_at": None, "completed_at": None,
    }  # fmt: skip
    kids = [
        {
            "task_id": f"id-{n}", "name": f"kid-{n}", "step": "a", "namespace": "t", "template": "kid",
            "state": "complete" if n < 50 else "in_progress", "created_at": now.isoformat(), "completed_at": None,
        }
        for n in range(60)
    ]  # fmt: skip
    text = draw(draw_task_graph([step], now, children=kids))
    assert "kid-55" in text and "kid-30" not in text
    assert "48" in text and "complete" in text
