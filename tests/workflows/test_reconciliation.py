"""Reconciliation: thousands of payments of two sources that misbehave, held against a plain computation."""

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.support import Stage, services, set_stage

DAY = "2026-11-29"
TOLERANCE = 2


def make_books(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Payments and entries of 3,000 invoices, with all that goes wrong in books, in no order.

    No two invoices have one amount, and two pairs have each other's: only a join by invoice finds that.
    """
    chance = random.Random(seed)
    amounts = dict(
        zip(
            (f"inv-{number:05}" for number in range(3_000)),
            chance.sample(range(100, 900_000), 3_000),
            strict=True,
        )
    )
    names = list(amounts)
    paid, written = dict(amounts), dict(amounts)
    for one, other in (names[10:12], names[20:22]):
        paid[one], paid[other] = paid[other], paid[one]
    for name in names[100:140]:
        paid[name] += chance.choice([-1, 1]) * TOLERANCE  # just within
    for name in names[200:230]:
        paid[name] += chance.choice([-1, 1]) * (TOLERANCE + 1)  # just beyond
    for name in names[300:325]:
        del paid[name]
    for name in names[400:410]:
        del written[name]
    parts = [
        (name, part)
        for name, cents in paid.items()
        for part in ([cents // 3, cents - cents // 3] if name < "inv-00090" else [cents])
    ]
    bank = [
        {"id": f"b-{number}", "reference": name, "cents": cents}
        for number, (name, cents) in enumerate(parts)
    ]
    ledger = [
        {"entry": number, "invoice": name, "cents": cents}
        for number, (name, cents) in enumerate(written.items())
    ]
    chance.shuffle(bank)
    chance.shuffle(ledger)
    return bank, ledger


def compare(bank: list[dict[str, Any]], ledger: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """What differs, computed another way than the workflow does: by invoice, both amounts and the difference."""
    sides: tuple[defaultdict[str, int], defaultdict[str, int]] = defaultdict(int), defaultdict(int)
    for payment in bank:
        sides[0][payment["reference"]] += payment["cents"]
    for entry in ledger:
        sides[1][entry["invoice"]] += entry["cents"]
    found = {}
    for name in sides[0].keys() | sides[1].keys():
        left, right = (side.get(name) for side in sides)
        difference = (left or 0) - (right or 0)
        if left is None or right is None or abs(difference) > TOLERANCE:
            found[name] = (left, right, difference)
    return found


@pytest.fixture
def stage(database: str, tmp_path: Path) -> Iterator[Stage]:
    bank, ledger = make_books(seed=7)
    known = services.Known(bank=bank, ledger=ledger)
    with set_stage("reconciliation", "books", known, database, tmp_path) as made:
        made.environment["TASKER_SECRET_BANK_TOKEN"] = "Bearer s3cret"
        yield made


def test_each_difference_is_found_once_whatever_the_sources_do(stage: Stage) -> None:
    stage.services.misbehave(
        "/bank/payments", ["repeat", "500", "slow", *["repeat"] * 3, "429", "drop", "repeat"]
    )
    stage.services.misbehave("/ledger/entries", ["cut", "500", "drip"])
    first = stage.work()
    task = stage.submit(day=DAY, tolerance_cents=TOLERANCE)
    stage.wait_asked("/bank/payments?day=2026-11-29&after=")
    stage.kill(first)
    second = stage.work()
    stage.wait(True, "select count(*) > 0 from written")
    stage.kill(second)
    stage.work()
    stage.wait_state(task, "complete")

    known = stage.services.known
    wanted = compare(known.bank, known.ledger)
    assert len(wanted) == 4 + 30 + 25 + 10
    query = (
        "select invoice, bank_cents, ledger_cents, difference_cents from differences where day = %s"
    )
    assert {name: tuple(rest) for name, *rest in stage.rows(query, DAY)} == wanted
    kinds: dict[str, list[int]] = defaultdict(list)
    for left, right, difference in wanted.values():
        kind = "unpaid" if left is None else "unknown" if right is None else "differs"
        kinds[kind].append(abs(difference))
    report = stage.events("reconciliation_report")[DAY]
    assert {each.pop("kind"): each for each in report.pop("kinds")} == {
        kind: {"count": len(cents), "cents": sum(cents)} for kind, cents in kinds.items()
    }
    assert report == {
        "day": DAY,
        "matched": len({each["reference"] for each in known.bank} | {each["invoice"] for each in known.ledger})
        - len(wanted),
        "recorded": len(wanted),
        "bank_cents": sum(each["cents"] for each in known.bank),
        "ledger_cents": sum(each["cents"] for each in known.ledger),
    }  # fmt: skip
    doubt = sum(sum(cents) for cents in kinds.values())
    assert stage.events("reconciliation_alarm") == {DAY: {"day": DAY, "cents": doubt}}
    stage.verify()
    assert "s3cret" not in stage.logs()
    assert stage.one("select count(*) from tasker.step where step::text like '%%s3cret%%'") == 0


def test_the_same_day_once_more_changes_what_changed_and_tells_nobody_twice(stage: Stage) -> None:
    stage.work()
    stage.wait_state(stage.submit(day=DAY, tolerance_cents=TOLERANCE), "complete")
    before = stage.events("reconciliation_report")
    assert stage.one("select count(*) from written") == 4 + 30 + 25 + 10
    stage.services.known.bank[0]["cents"] += 1_000
    changed = stage.services.known.bank[0]["reference"]
    stage.wait_state(stage.submit(day=DAY, tolerance_cents=TOLERANCE), "complete")
    assert [row for (row,) in stage.rows("select row ->> 'invoice' from written offset 69")] == [
        changed
    ]
    assert stage.events("reconciliation_report") == before


@pytest.mark.parametrize(
    ("path", "fault"),
    [("/bank/payments", "misfit"), ("/bank/payments", "circle"), ("/ledger/entries", "misfit")],
)
def test_a_source_that_breaks_its_contract_is_told_and_goes_on_once_mended(
    stage: Stage, path: str, fault: str
) -> None:
    stage.work()
    stage.services.misbehave(path, [f"{fault}*"])
    task = stage.submit(day=DAY)
    stage.wait_state(task, "blocked_by_failures")
    assert stage.failed() == {(task, "compare"): "RESULT_INVALID"}
    assert stage.one("select count(*) from written") == 0
    stage.services.misbehave(path, [])
    stage.tasker("step", "retry", f"{task}/compare", "-r", "they have mended it")
    stage.wait_state(task, "complete")
    assert stage.one("select count(*) from differences") == 4 + 40 + 30 + 25 + 10
    stage.verify()
