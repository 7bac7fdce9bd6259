from datetime import timedelta

import pytest
from tests.cli.samples import NOW

from tasker.cli.checks import (
    Level,
    check_alive,
    check_pgmq,
    check_pooler,
    check_python,
    check_queues,
    check_roles,
    check_schema,
    check_server,
    check_templates,
    check_vacuum,
)

FACTS = {
    "version": "18.1",
    "version_num": 180001,
    "user": "ann",
    "in_recovery": False,
    "now": NOW.isoformat(),
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "max_connections": 100,
    "connections": 4,
    "pgmq_extension": None,
    "pgmq_functions": 30,
    "roles": [
        {"role": f"tasker_{role}", "member": role == "client"}
        for role in ("client", "operator", "reader", "worker")
    ],
    "holding_vacuum": [],
}


def test_a_sound_server_gives_only_good_findings():
    assert {finding.level for finding in check_server(FACTS, NOW)} == {Level.ok}


@pytest.mark.parametrize(
    ("change", "subject", "level"),
    [
        ({"version_num": 140009}, "server", Level.fail),
        ({"version_num": 190000}, "server", Level.warn),
        ({"in_recovery": True}, "server role", Level.fail),
        ({"now": (NOW + timedelta(seconds=9)).isoformat()}, "clock", Level.warn),
        ({"fsync": "off"}, "durability", Level.warn),
        ({"synchronous_commit": "off"}, "durability", Level.warn),
        ({"autovacuum": "off"}, "autovacuum", Level.fail),
        ({"connections": 95}, "connections", Level.warn),
    ],
)
def test_what_is_wrong_with_a_server_is_found(change, subject, level):
    findings = {finding.subject: finding for finding in check_server({**FACTS, **change}, NOW)}
    assert findings[subject].level is level
    assert findings[subject].todo


def test_python_and_schema_versions():
    assert check_python((3, 10, 4)).level is Level.fail
    assert check_python((3, 11, 0)).level is Level.ok
    assert check_schema(False, []).level is Level.fail
    assert check_schema(True, ["apply migration 0002 x"]).level is Level.fail
    assert check_schema(True, "permission denied").level is Level.warn
    assert check_schema(True, []).level is Level.ok


def test_a_pooler_shows_by_the_process_id_that_it_makes_up():
    assert "direct" in check_pooler(10, 10).found
    assert "in between" in check_pooler(10, 11).found


def test_roles_and_pgmq():
    assert check_roles(FACTS).found == "all there; ann is client"
    assert check_roles({**FACTS, "roles": FACTS["roles"][:3]}).found == "missing: tasker_worker"
    assert check_pgmq(FACTS).level is Level.ok
    assert check_pgmq({**FACTS, "pgmq_functions": 0}).level is Level.fail


def test_an_open_transaction_is_named_with_how_to_end_it():
    held = {"pid": 42, "who": "ann", "application": "psql", "seconds": 300}
    finding = check_vacuum({**FACTS, "holding_vacuum": [held]})
    assert finding.level is Level.warn and "ann psql" in finding.found and "5 min" in finding.found
    assert "pg_terminate_backend(42)" in finding.todo


@pytest.mark.parametrize(
    ("ready", "workers", "age", "level"),
    [
        (0, 1, None, Level.ok),
        (5, 1, 2.0, Level.ok),
        (5, 1, 90.0, Level.warn),
        (0, 0, None, Level.warn),
        (5, 0, 1.0, Level.fail),
    ],
)
def test_queues(ready, workers, age, level):
    queue = {
        "queue": "shop",
        "ready": ready,
        "leased": 0,
        "workers": workers,
        "oldest_age_seconds": age,
        "paused": False,
        "used": True,
        "in_line": 0,
    }
    assert [finding.level for finding in check_queues([queue])] == [level]
    [held] = check_queues([{**queue, "paused": True}])
    assert held.level is Level.warn and held.todo == "It is paused: tasker queue resume shop"


def test_a_queue_that_no_step_goes_to_needs_no_worker():
    empty = {"ready": 0, "leased": 0, "in_line": 0}
    queue = {**empty, "queue": "crm", "workers": 0, "oldest_age_seconds": None, "paused": False}
    [unused] = check_queues([{**queue, "used": False}])
    assert (unused.level, unused.todo) == (Level.ok, None)
    for left in empty:
        [found] = check_queues([{**queue, "used": False, left: 1}])
        assert "tasker worker MODULE --queue crm" in (found.todo or "")


def test_who_has_not_reported_lately_is_not_alive():
    late = {"name": "host-1", "seen_at": (NOW - timedelta(minutes=5)).isoformat()}
    finding = check_alive("orchestrator", [late], NOW, "tasker orchestrator")
    assert (
        finding.level is Level.warn
        and "5 min ago" in finding.found
        and finding.todo == "Start one: tasker orchestrator"
    )
    alive = {**late, "seen_at": NOW.isoformat()}
    assert check_alive("orchestrator", [alive, late], NOW, "").found == "1 alive: host-1"


def test_templates_that_are_paused_are_told():
    template = {"namespace": "shop", "name": "order", "version": "1.0.0", "paused": True}
    (held,) = check_templates([{**template, "version": "2.0.0", "paused": False}, template])
    assert held.level is Level.warn and held.subject == "template shop/order@1.0.0"
    assert held.todo == "It is paused: tasker template resume shop/order@1.0.0"
