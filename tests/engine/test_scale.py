"""What is written or counted for very many steps or tasks at once takes time in proportion to them.

Each of these took a minute or more when it did not; the limits are far from both.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.engine.support import (
    Connection,
    Engine,
    broken,
    claim,
    claim_one,
    complete,
    hand_in,
    one,
    register,
    register_worker,
    rows,
    step,
    submit,
    submit_many,
    template,
)

MANY = 10_000
BATCH = template(
    "batch",
    step("split", kind="batchable"),
    step("part", "split", kind="batch_worker"),
    step("join", "part", kind="deferred_convergence"),
)


@pytest.fixture
def limited(engine: Engine) -> Connection:
    """A connection whose statements end after twenty seconds."""
    engine.owner.execute("set statement_timeout = '20s'")
    return engine.owner


def test_a_large_batch_is_verified_at_once(limited: Connection) -> None:
    register(limited, BATCH)
    worker = register_worker(limited, "t")
    task = submit(limited, "batch")
    hand_in(worker, complete(claim_one(worker), list(range(2 * MANY))))
    assert rows(limited, "verify", task_id=task) == []
    hand_in(worker, *map(complete, claim(worker, want=1000)))
    assert rows(limited, "verify", task_id=task) == []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("update tasker.step set waiting_on = 7 where instance is null and step_no > 1", "waits on 7"),
        ("delete from pgmq.q_tasker_t where msg_id > 1", "its message is missing"),
        ("update tasker.task set live = 0", "live is 0"),
        ("update tasker.task set failed = 1", "failed is 1"),
        ("delete from tasker.step where instance = 2", "there are 2 of it"),
        ("delete from tasker.step where step_no = 3", "there are 0 of it"),
        ("update tasker.step set state = 'waiting_for_retry' where instance = 1", "timer is missing"),
    ],
)  # fmt: skip
def test_verify_finds_what_is_wrong(db: Connection, harm: Any, found: str) -> None:
    register(db, BATCH)
    worker = register_worker(db, "t")
    task = submit(db, "batch")
    hand_in(worker, complete(claim_one(worker), [1, 2, 3]))
    assert broken(db) == []
    db.execute(harm)
    assert any(found in sentence for sentence in rows(db, "verify", task_id=task))


def test_keys_cost_little_beside_the_tasks(limited: Connection) -> None:
    register(limited, template("one", step("a")))

    def seconds(*keys: str) -> float:
        tasks: list[dict[str, str]] = [{"idempotency_key": key} for key in keys] or [{}] * MANY
        began = time.perf_counter()
        assert len(submit_many(limited, "one", tasks)) == MANY
        return time.perf_counter() - began

    without = min(seconds(), seconds())
    first, second = ([f"{run}-{n}" for n in range(MANY)] for run in range(2))
    assert min(seconds(*first), seconds(*second)) < 3 * without


@pytest.mark.parametrize("kind", ["compensate", "expands"])
def test_a_large_template_is_registered_at_once(limited: Connection, kind: str) -> None:
    more: dict[str, Any] = (
        {"compensate": {"handler": "h.undo"}} if kind == "compensate" else {"expands": ["d"]}
    )
    steps = [step(f"s{n}", *([f"s{n - 1}"] if n else []), **more) for n in range(MANY)]
    gathering = [step("d", kind="dynamic"), step("gather", "d", kind="deferred_convergence")]
    register(limited, template("large", *steps, *(gathering if kind == "expands" else [])))
    made = one(limited, "select count(*) from tasker.step_definition")
    assert made == (2 * MANY if kind == "compensate" else MANY + 2)
