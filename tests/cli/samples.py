"""JSON as the SQL functions give it, for tests that need no database."""

from datetime import UTC, datetime

NOW = datetime(2030, 1, 31, 12, 0, 0, tzinfo=UTC)
TASK_ID = "0199a4c1-7b00-7000-8000-0000000000a1"


def make_step(name, state="pending", depends_on=(), **fields):
    return {
        "step_no": 1,
        "name": name,
        "state": state,
        "handler": f"shop.order.{name}",
        "kind": "standard",
        "queue": "shop",
        "waiting_on": len(depends_on),
        "attempt": 0 if state == "pending" else 1,
        "max_attempts": 3,
        "worker": None,
        "worker_id": None,
        "enqueued_at": None,
        "started_at": None if state == "pending" else "2030-01-31T11:59:00+00:00",
        "completed_at": "2030-01-31T11:59:00.012+00:00" if state == "complete" else None,
        "deadline_at": None,
        "progress": None,
        "error": {"type": "CardDeclined", "message": "no money"} if state == "error" else None,
        "result": None,
        "depends_on": list(depends_on),
        "undoes": None,
        "undone": None,
        **fields,
    }


def make_task(state="in_progress", **fields):
    return {
        "task_id": TASK_ID,
        "namespace": "shop",
        "template": "order",
        "version": "1.0.0",
        "state": state,
        "ends_as": None,
        "rerun_of": None,
        "reruns": [],
        "parent": None,
        "input": {"id": 7},
        "context": {},
        "priority": 0,
        "correlation_id": None,
        "tags": [],
        "idempotency_key": None,
        "created_at": "2030-01-31T11:58:00+00:00",
        "start_at": None,
        "started_at": "2030-01-31T11:59:00+00:00",
        "completed_at": None,
        "reason": None,
        "paused": None,
        "steps": {"total": 3, "complete": 1, "pending": 2},
        **fields,
    }


def make_definition(**fields):
    """A template as it is registered: validate, then pay and reserve side by side, then ship."""

    def step(name, *depends_on):
        return {
            "name": name,
            "handler": f"shop.order.{name}",
            "kind": "standard",
            "depends_on": list(depends_on),
            "queue": None,
            "config": {},
            "description": None,
            "retry": {
                "max_attempts": 3,
                "backoff": "exponential",
                "base": 1.0,
                "cap": 60.0,
                "jitter": 0.0,
                "permanent_errors": [],
            },
            "attempt_time_limit": None,
            "step_time_limit": None,
            "result_schema": None,
        }

    return {
        "namespace": "shop",
        "name": "order",
        "version": "1.0.0",
        "description": "Sells a thing.",
        "input_schema": None,
        "time_limit": None,
        "metadata": {},
        "steps": [
            step("validate"),
            step("pay", "validate"),
            step("reserve", "validate"),
            step("ship", "pay", "reserve"),
        ],
        **fields,
    }
