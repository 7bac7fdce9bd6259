"""The payment service, over HTTP as its callers see it."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tasker.examples.payments import PaymentService, running_payment_service


@pytest.fixture(scope="module")
def service() -> Iterator[PaymentService]:
    with running_payment_service(stall=30) as service:
        yield service


@pytest.fixture
def key() -> str:
    return uuid4().hex


def post(
    service: PaymentService, key: str, timeout: float = 10, headers: Any = None, **body: Any
) -> tuple[int, Any]:
    """Ask for a charge of 500 cents for the order that is called like the key."""
    given = {"order_id": key, "card": "card-good", "amount_cents": 500} | body
    request = urllib.request.Request(
        f"{service.url}/charges",
        data=json.dumps(given).encode(),
        headers={"Idempotency-Key": key} if headers is None else headers,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.loads(answer.read()) | dict(answer.headers)


def test_same_key_is_charged_once(service: PaymentService, key: str) -> None:
    status, first = post(service, key)
    assert (status, first["amount_cents"], first["replayed"]) == (201, 500, False)
    status, second = post(service, key)
    assert (status, second["charge_id"], second["replayed"]) == (200, first["charge_id"], True)
    [charge] = service.books().charges_of(key)
    assert charge.idempotency_key == key


def test_other_key_is_another_charge(service: PaymentService, key: str) -> None:
    for other in ("a", "b"):
        post(service, key + other, order_id=key)
    assert len(service.books().charges_of(key)) == 2


def test_key_of_another_amount_is_refused(service: PaymentService, key: str) -> None:
    post(service, key)
    status, _ = post(service, key, amount_cents=501)
    assert status == 422
    assert [charge.amount_cents for charge in service.books().charges_of(key)] == [500]


@pytest.mark.parametrize(
    ("card", "statuses", "charges"),
    [
        ("card-good", [201, 200], 1),
        ("card-fails-twice", [500, 500, 201, 200], 1),
        ("card-busy", [503, 201], 1),
        ("card-declined", [402, 402, 402], 0),
        ("card-nobody-issued", [402], 0),
    ],
)
def test_card_decides_each_call(
    service: PaymentService, key: str, card: str, statuses: list[int], charges: int
) -> None:
    assert [post(service, key, card=card)[0] for _ in statuses] == statuses
    assert len(service.books().charges_of(key)) == charges


def test_busy_says_when_to_come_back(service: PaymentService, key: str) -> None:
    assert post(service, key, card="card-busy")[1]["Retry-After"] == "1"


def test_stalled_request_was_charged_and_says_nothing(service: PaymentService, key: str) -> None:
    with pytest.raises(TimeoutError):
        post(service, key, timeout=0.3, card="card-stalls")
    assert service.books().calls_for(key) == ["stalled"]
    assert len(service.books().charges_of(key)) == 1
    assert post(service, key, card="card-stalls")[1]["replayed"] is True


def test_simultaneous_requests_are_charged_once(service: PaymentService, key: str) -> None:
    answers: list[int] = []
    callers = [
        threading.Thread(target=lambda: answers.append(post(service, key)[0])) for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(answers) == [200] * 7 + [201]
    assert len(service.books().charges_of(key)) == 1


@pytest.mark.parametrize(("headers", "body"), [({}, {}), (None, {"amount_cents": "much"})])
def test_bad_request_is_refused(
    service: PaymentService, key: str, headers: dict[str, str] | None, body: dict[str, Any]
) -> None:
    status, answer = post(service, key, headers=headers, **body)
    assert status == 400
    assert answer["error"]
    assert service.books().calls_for(key) == []


def test_service_ends_with_the_block() -> None:
    with running_payment_service() as service:
        service.books()
    with pytest.raises(OSError):
        service.books()


def test_service_ends_with_the_process_that_started_it() -> None:
    starter = subprocess.run(
        [sys.executable, "-c", ABANDON], capture_output=True, text=True, timeout=30, check=True
    )
    service = PaymentService(starter.stdout.strip())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            service.books()
        except OSError:
            return
    pytest.fail("it still answers")


ABANDON = """
import os, sys
from tasker.examples.payments import running_payment_service
with running_payment_service() as service:
    print(service.url, flush=True)
    os._exit(0)
"""
