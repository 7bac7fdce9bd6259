from datetime import timedelta

from tests.cli.samples import NOW, TASK_ID, make_step, make_task

from tasker.cli.changes import list_changes
from tasker.cli.graph_view import draw_template_graph
from tasker.cli.queue_views import draw_dead_letters, draw_queues, draw_workers
from tasker.cli.step_views import draw_step
from tasker.cli.task_views import (
    choose_unexplained,
    draw_result,
    draw_task,
    draw_tasks,
    note_progress,
)
from tasker.cli.template_views import draw_template, draw_templates
from tasker.drawing.inside import Inner

ORDER = [
    make_step("validate", "complete"),
    make_step("pay", "waiting_for_retry", ["validate"], attempt=2),
    make_step("ship", "pending", ["pay", "validate"]),
]


def test_a_task_is_drawn_with_its_graph_and_the_reason_why_a_step_does_not_run(draw):
    text = draw(
        draw_task(make_task(), ORDER, {"ship": "it waits for pay (waiting_for_retry)"}, NOW)
    )
    lines = text.splitlines()
    assert "shop/order" in lines[0] and "in progress" in lines[0]
    assert any(line.split()[:3] == ["1", "✓", "validate"] for line in lines)
    assert any(
        "↻ pay" in line and "waiting for retry" in line and "2 of 3" in line for line in lines
    )
    assert any("○ ship" in line and "pay, validate" in line for line in lines)
    assert any("ship" in line and "it waits for pay" in line for line in lines)
    assert "3 steps: 1 complete, 2 pending" in text


def test_a_failed_task_says_why_and_what_to_type_next(draw):
    steps = [make_step("validate", "error", attempt=3), make_step("pay", depends_on=["validate"])]
    text = draw(draw_task(make_task("blocked_by_failures"), steps, {}, NOW))
    assert "CardDeclined: no money" in text
    assert f"tasker task retry {TASK_ID} --reason" in text
    assert f"tasker step resolve {TASK_ID}/validate" in text


def test_a_step_inside_a_composition_has_a_state_only_where_it_is_known(draw):
    inner = [Inner("route", "decide", "complete", 1.5), Inner("large", "transform")]
    routed = make_step("routed", "complete")
    text = draw(draw_task(make_task(), [routed], {}, NOW, inner={"routed": inner}))
    route, large = (line for line in text.splitlines() if "route " in line or "large" in line)
    assert "✓ route" in route and "decide, complete" in route
    assert "— large" in large and "complete" not in large


def test_of_a_wide_level_those_not_done_are_drawn_and_the_rest_counted(draw):
    steps = [make_step(f"s{i}", "complete") for i in range(20)] + [make_step("last", "error")]
    text = draw(draw_task(make_task(), steps, {}, NOW, per_level=3))
    assert "✗ last" in text and "✓ s1 " in text and "s2 " not in text
    assert "18 steps: 18 complete" in text


def test_nothing_a_user_wrote_is_taken_for_markup(draw):
    step = make_step("pay[bold]", "error", error={"type": "Oops", "message": "[/red] [link=x]"})
    text = draw(draw_task(make_task(reason="[/b]"), [step], {}, NOW))
    assert "pay[bold]" in text and "[/red] [link=x]" in text and "[/b]" in text


def test_a_list_of_tasks_fits_a_terminal_and_says_when_it_is_empty(draw):
    ended = make_task("complete", completed_at="2030-01-31T11:58:02+00:00", tags=["eu", "trial"])
    text = draw(draw_tasks([ended], NOW))
    assert (
        TASK_ID in text and "shop/order 1.0.0" in text and "2.0 s" in text and "eu, trial" in text
    )
    assert "No task matches." in draw(draw_tasks([], NOW))


def test_only_open_steps_are_explained_and_not_too_many():
    steps = [
        make_step("done", "complete"),
        make_step("bad", "error"),
        *[make_step(f"s{i}") for i in range(50)],
    ]
    assert choose_unexplained(steps, most=2) == ["s0", "s1"]


def test_progress_is_shown_while_a_step_runs():
    running = make_step(
        "copy", "in_progress", progress={"done": 30, "total": 120, "note": "copying"}
    )
    ended = make_step("copied", "complete", progress={"done": 120, "total": 120, "note": None})
    assert note_progress([running, ended]) == {"copy": "30 of 120 (25 %) copying"}


def test_a_result_is_json_and_a_failure_its_errors(draw):
    assert '"total": 3' in draw(draw_result({"result": {"total": 3}, "errors": []}))
    failed = {
        "result": None,
        "errors": [{"step": "pay", "error": {"type": "CardDeclined", "message": "no"}}],
    }
    assert "CardDeclined: no" in draw(draw_result(failed))


def test_a_step_is_drawn_with_its_attempts_its_trace_and_what_operators_did(draw):
    step = make_step(
        "pay",
        "error",
        ["validate"],
        task_id=TASK_ID,
        input={"id": 7},
        config={"rate": 2},
        error={"type": "CardDeclined", "message": "no money", "traceback": "File pay.py, line 3"},
        attempts=[
            {
                "attempt": 1,
                "outcome": "lost",
                "worker_id": "w",
                "worker": "host-1",
                "started_at": "2030-01-31T11:59:00+00:00",
                "ended_at": "2030-01-31T11:59:15+00:00",
                "error": {"type": "LeaseLost", "message": "its worker was gone"},
            }
        ],
        actions=[
            {
                "verb": "retry",
                "reason": "gateway is back",
                "actor": "ann",
                "at": "2030-01-31T11:59:30+00:00",
            }
        ],
    )
    explanation = {"reason": "it failed after 1 attempt(s)", "workers": 2, "queue_depth": 1}
    text = draw(draw_step(step, explanation, NOW))
    for expected in (
        "it failed after 1 attempt(s)",
        "shop (2 workers, 1 step can run)",
        "lost",
        "15 s",
        "host-1",
        "LeaseLost: its worker was gone",
        "File pay.py, line 3",
        "gateway is back",
        "ann",
        '{"rate": 2}',
    ):
        assert expected in text


def test_a_worker_that_has_left_is_said_to_have_left(draw):
    gone = {"attempt": 1, "outcome": "error", "worker_id": "01a2", "worker": None, "error": None}
    step = make_step(
        *("pay", "error", []),
        task_id=TASK_ID,
        input=None,
        config={},
        worker="01b3",
        worker_id="01b3",
        attempts=[{**gone, "started_at": None, "ended_at": None}],
        actions=[],
    )
    text = draw(draw_step(step, {"reason": "", "workers": 1, "queue_depth": 0}, NOW))
    assert "one that has left, 01a2" in text and "one that has left, 01b3" in text
    assert "shop (1 worker, 0 steps can run)" in text


def test_changes_are_told_once_each():
    first = (make_task(), [make_step("a", "in_progress"), make_step("b", depends_on=["a"])])
    then = (
        make_task("complete"),
        [
            make_step("a", "complete"),
            make_step("b", "waiting_for_retry", ["a"], error={"message": "no"}),
            make_step("c", "tolerated", error={"type": "Torn", "message": "page 7"}),
        ],
    )
    assert list(list_changes(None, first, NOW)) == [
        "● a in progress (attempt 1 of 3)",
        f"● task {TASK_ID} in progress",
    ]
    assert list(list_changes(first, first, NOW)) == []
    assert list(list_changes(first, then, NOW)) == [
        "✓ a complete (attempt 1 of 3, 12 ms)",
        "↻ b waiting for retry (attempt 1 of 3): no",
        "✗ c tolerated (attempt 1 of 3): Torn: page 7",
        f"✓ task {TASK_ID} complete",
    ]


def test_a_queue_that_nobody_serves_is_pointed_out(draw):
    queue = {
        "queue": "shop",
        "ready": 4,
        "leased": 0,
        "oldest_age_seconds": 90,
        "workers": 0,
        "in_line": 0,
        "idle_workers": 0,
        "slots": 0,
        "paused": False,
    }
    assert "0 (start one)" in draw(draw_queues([queue]))
    assert "start one" not in draw(draw_queues([{**queue, "ready": 0}]))
    assert "paused" not in draw(draw_queues([queue]))
    assert "shop (paused)" in draw(draw_queues([{**queue, "paused": True}]))
    assert "No queue yet" in draw(draw_queues([]))


def test_workers_and_dead_letters(draw):
    seen = (NOW - timedelta(seconds=3)).isoformat()
    worker = {
        "worker_id": "w",
        "name": "host-1",
        "queues": ["shop"],
        "slots": 8,
        "running": 2,
        "handlers": ["pay"],
        "version": "0.1.0",
        "registered_at": seen,
        "seen_at": seen,
    }
    assert "2 of 8" in draw(draw_workers([worker], NOW)) and "No worker reports" in draw(
        draw_workers([], NOW)
    )
    letter = {
        "task_id": TASK_ID,
        "step": "pay",
        "namespace": "shop",
        "template": "order",
        "version": "1.0.0",
        "attempt": 3,
        "error": {"type": "CardDeclined", "message": "no"},
        "failed_at": seen,
    }
    text = draw(draw_dead_letters([letter], NOW), width=160)
    assert f"{TASK_ID}/pay" in text and "CardDeclined: no" in text
    assert "Nothing has failed" in draw(draw_dead_letters([], NOW))


DEFINITION = {
    "namespace": "shop",
    "name": "order",
    "version": "1.0.0",
    "description": "Sells a thing.",
    "input_schema": {"type": "object"},
    "time_limit": 3600.0,
    "metadata": {},
    "steps": [
        {
            "name": "pay",
            "handler": "shop.pay",
            "kind": "standard",
            "depends_on": [],
            "queue": None,
            "config": {},
            "retry": {
                "max_attempts": 3,
                "backoff": "exponential",
                "base": 1.0,
                "cap": 60.0,
                "jitter": 0.1,
            },
            "attempt_time_limit": 30.0,
            "step_time_limit": None,
        }
    ],
}


def test_a_template_is_drawn_with_its_policy(draw):
    text = draw(draw_template({"definition": DEFINITION, "created_at": None}, NOW), width=160)
    assert "3 × exponential from 1 s, at most 60 s" in text
    assert "30 s per attempt" in text and "1 h" in text and '"type": "object"' in text
    once = {
        **DEFINITION["steps"][0],
        "retry": {"max_attempts": 1, "backoff": "none", "base": 0, "cap": 0},
    }
    assert "never" in draw(draw_template_graph([once]))


def test_a_list_of_templates(draw):
    row = {
        **DEFINITION,
        "steps": 4,
        "created_at": NOW.isoformat(),
        "fingerprint": "f",
        "paused": False,
    }
    assert "1.0.0 (paused)" in draw(draw_templates([{**row, "paused": True}], NOW))
    assert "shop/order" in draw(draw_templates([row], NOW)) and "No template" in draw(
        draw_templates([], NOW)
    )
