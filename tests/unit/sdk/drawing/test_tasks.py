from tests.cli.samples import TASK_ID, make_step, make_task
from tests.unit.sdk.drawing.samples import EVERY_KIND, define, step

from tasker.drawing.graph import Edge
from tasker.drawing.tasks import MOST_OF_ONE, graph_task

UNTIL_SPLIT = [
    make_step("check", "complete", step_no=1),
    make_step("choose", "complete", ["check"], kind="decision", step_no=2),
    make_step("card", "complete", ["choose"], step_no=3),
    make_step("paid", "complete", ["card", "invoice"], kind="deferred_convergence", step_no=5),
    make_step("split", "complete", ["paid"], kind="batchable", step_no=6),
]


def draw(steps, definition=EVERY_KIND, children=(), state="in_progress"):
    graph = graph_task(make_task(state), steps, definition, children)
    return graph, {node.name: node for node in graph.nodes}


def workers(**states):
    names = [state for state, count in states.items() for _ in range(count)]
    return [
        make_step(f"pack/{n}", state, ["split"], kind="batch_worker", step_no=10 + n)
        for n, state in enumerate(names)
    ]


def test_a_step_says_its_state_and_its_trouble():
    definition = define(step("a"), step("b", "a"))
    graph, nodes = draw(
        [make_step("a", "complete"), make_step("b", "error", ["a"], attempt=3)], definition
    )
    assert nodes["a"].lines == ("✓ complete",)
    assert nodes["b"].lines == ("✗ error", "attempt 3 of 3", "CardDeclined")
    assert graph.edges == (Edge("a", "b"),)
    assert "shop/order 1.0.0" in graph.title and "● in progress" in graph.title
    assert TASK_ID in graph.subtitle


def test_a_branch_that_was_not_chosen_is_excluded_and_so_is_the_way_to_it():
    graph, nodes = draw(UNTIL_SPLIT)
    assert nodes["invoice"].state == "excluded"
    ways = {(edge.start, edge.end): edge for edge in graph.edges}
    assert ways["choose", "card"].taken and ways["card", "paid"].taken
    assert not ways["choose", "invoice"].taken and not ways["invoice", "paid"].taken
    assert ways["choose", "card"].kind == "branch"


def test_while_a_decision_has_not_spoken_its_branches_are_undecided():
    _, nodes = draw(
        [UNTIL_SPLIT[0], make_step("choose", "in_progress", ["check"], kind="decision")]
    )
    assert {nodes[name].state for name in ("card", "invoice", "paid", "split")} == {"undecided"}


def test_what_lies_behind_a_branch_that_was_not_chosen_is_excluded_too():
    definition = define(
        step("choose", kind="decision"),
        step("left", "choose"),
        step("right", "choose"),
        step("further", "right"),
        step("only_right", "further", kind="deferred_convergence"),
        step("both", "further", "left", kind="deferred_convergence"),
    )
    _, nodes = draw(
        [
            make_step("choose", "complete", kind="decision"),
            make_step("left", depends_on=["choose"]),
        ],
        definition,
    )
    assert {name for name, node in nodes.items() if node.state == "excluded"} == {
        *("right", "further", "only_right"),
    }
    assert nodes["both"].state == "undecided"


def test_the_workers_of_a_batch_are_one_with_a_count():
    rows = [*UNTIL_SPLIT, *workers(complete=3, in_progress=2, pending=5)]
    graph, nodes = draw(rows)
    assert nodes["pack"].count == 10 and nodes["pack"].state == "in_progress"
    assert nodes["pack"].lines == (
        *("batch workers", "3 of 10 complete", "2 in progress", "5 pending"),
    )
    assert graph.notes == ("pack: 10 workers are drawn as one",)
    assert Edge("split", "pack", "batch") in graph.edges
    assert Edge("pack", "packed", "convergence") in graph.edges


def test_one_failed_worker_makes_the_batch_look_failed():
    _, nodes = draw([*UNTIL_SPLIT, *workers(complete=99, error=1)])
    assert nodes["pack"].state == "error"


def dynamic(count):
    return [
        make_step("ask", "complete", ["packed"], step_no=50),
        *(
            make_step(
                f"poll/{n}",
                "complete",
                [f"poll/{n - 1}" if n else "ask"],
                kind="dynamic",
                step_no=51 + n,
                origin_no=50 + n,
            )
            for n in range(count)
        ),
        make_step("end", "pending", ["ask", "poll"], kind="deferred_convergence", step_no=99),
    ]


def test_dynamic_steps_stand_below_who_has_asked_for_them():
    graph, nodes = draw(dynamic(3))
    assert {"poll/0", "poll/1", "poll/2"} <= nodes.keys() and "poll" not in nodes
    assert Edge("ask", "poll/0", "expansion") in graph.edges
    assert Edge("poll/0", "poll/1", "expansion") in graph.edges
    assert Edge("poll/2", "end", "convergence") in graph.edges


def test_many_dynamic_steps_of_one_name_are_one():
    graph, nodes = draw(dynamic(MOST_OF_ONE + 1))
    assert nodes["poll"].count == MOST_OF_ONE + 1
    assert Edge("ask", "poll", "expansion") in graph.edges
    assert any(note.startswith("poll:") for note in graph.notes)


def test_a_dynamic_step_that_nobody_has_asked_for_says_so():
    _, nodes = draw([make_step("ask", "in_progress", step_no=50)])
    assert nodes["poll"].state == "undecided" and nodes["poll"].lines == (
        "dynamic",
        "not asked for",
    )


def test_a_compensation_hangs_below_the_step_that_it_undoes():
    rows = [
        make_step("a", "complete", undone="in_progress"),
        make_step("undo:a", "in_progress", ["a"], undoes="a"),
    ]
    graph, nodes = draw(rows, define(step("a", compensate={"handler": "shop.undo_a"})))
    assert nodes["undo:a"].kind == "compensation"
    assert graph.edges == (Edge("a", "undo:a", "compensation"),)


def child(n, state="complete"):
    return {
        "task_id": f"{n:08}-0000", "name": f"parcel-{n}", "step": "a", "namespace": "shop",
        "template": "parcel", "version": "1", "state": state,
    }  # fmt: skip


def test_child_tasks_stand_below_the_step_that_started_them_and_many_are_one():
    rows = [make_step("a", "complete")]
    graph, nodes = draw(rows, define(step("a")), [child(1), child(2, "error")])
    assert [node.state for node in nodes.values()] == ["complete", "complete", "error"]
    assert {edge.kind for edge in graph.edges} == {"child"}
    graph, nodes = draw(rows, define(step("a")), [child(n) for n in range(30)])
    assert len(nodes) == 2 and "30 of 30 complete" in nodes["30 children of a"].lines
    assert graph.notes
