"""The payment service, over HTTP as its callers see it."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tasker.examples.payments import PaymentService, running_payment_service


@pytest.fixture
def service() -> Iterator[PaymentService]:
    with running_payment_service(stall=30) as service:
        yield service


def post(
    service: PaymentService, key: str | None, timeout: float = 10, **body: Any
) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{service.url}/charges",
        data=json.dumps(
            {"order_id": "o1", "card": "card-good", "amount_cents": 500} | body
        ).encode(),
        headers={} if key is None else {"Idempotency-Key": key},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.loads(answer.read())


def test_same_key_is_charged_once(service: PaymentService) -> None:
    first = post(service, "k1")
    second = post(service, "k1")
    assert first == (201, {"charge_id": "ch_1", "amount_cents": 500, "replayed": False})
    assert second == (200, {"charge_id": "ch_1", "amount_cents": 500, "replayed": True})
    assert [charge.idempotency_key for charge in service.books().charges] == ["k1"]


def test_other_key_is_another_charge(service: PaymentService) -> None:
    post(service, "k1")
    post(service, "k2")
    assert len(service.books().charges) == 2


def test_key_of_another_amount_is_refused(service: PaymentService) -> None:
    post(service, "k1")
    status, _ = post(service, "k1", amount_cents=501)
    assert status == 422
    assert [charge.amount_cents for charge in service.books().charges] == [500]


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
    service: PaymentService, card: str, statuses: list[int], charges: int
) -> None:
    assert [post(service, "k", card=card)[0] for _ in statuses] == statuses
    assert len(service.books().charges) == charges


def test_busy_says_when_to_come_back(service: PaymentService) -> None:
    request = urllib.request.Request(
        f"{service.url}/charges",
        data=b'{"order_id": "o", "card": "card-busy", "amount_cents": 1}',
        headers={"Idempotency-Key": "k"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)
    with caught.value as answer:
        assert answer.headers["Retry-After"] == "1"


def test_stalled_request_was_charged_and_says_nothing(service: PaymentService) -> None:
    with pytest.raises(TimeoutError):
        post(service, "k", timeout=0.3, card="card-stalls")
    assert service.books().calls_for("o1") == ["stalled"]
    assert len(service.books().charges_of("o1")) == 1
    assert post(service, "k", card="card-stalls")[1]["replayed"] is True


def test_simultaneous_requests_are_charged_once(service: PaymentService) -> None:
    answers: list[int] = []
    callers = [
        threading.Thread(target=lambda: answers.append(post(service, "k")[0])) for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(answers) == [200] * 7 + [201]
    assert len(service.books().charges) == 1


@pytest.mark.parametrize(("key", "body"), [(None, {}), ("k", {"amount_cents": "much"})])
def test_bad_request_is_refused(
    service: PaymentService, key: str | None, body: dict[str, Any]
) -> None:
    status, answer = post(service, key, **body)
    assert status == 400
    assert answer["error"]
    assert service.books().calls == []


def test_service_ends_with_the_block() -> None:
    with running_payment_service() as service:
        service.books()
    with pytest.raises(OSError):
        service.books()
