"""The service's HTTP side: `POST /charges` and `GET /ledger`, on a free port of 127.0.0.1."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, assert_never

from pydantic import BaseModel, ValidationError

from tasker.examples.payments.behaviour import Busy, Decline, Fail
from tasker.examples.payments.books import Request
from tasker.examples.payments.ledger import Charged, Conflict, Ledger, Replayed

__all__ = ["PaymentServer"]


class Receipt(BaseModel):
    """The answer to a charge. `replayed`: an earlier request under the same key had made it."""

    charge_id: str
    amount_cents: int
    replayed: bool


class Problem(BaseModel):
    """The answer to a request that was not served."""

    error: str


class PaymentServer(ThreadingHTTPServer):
    """The service. A stalled request is left without an answer for `stall` seconds."""

    def __init__(self, stall: float) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.ledger = Ledger()
        self.stall = stall
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def server_close(self) -> None:
        """Stop listening, and let stalled requests go."""
        self.closing.set()
        super().server_close()


class _Exchange(BaseHTTPRequestHandler):
    server: PaymentServer  # pyright: ignore[reportIncompatibleVariableOverride] # what http.server leaves untyped

    def do_GET(self) -> None:
        if self.path == "/ledger":
            self._answer(200, self.server.ledger.books())
        else:
            self._answer(404, Problem(error=f"nothing at {self.path}"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers.get("Idempotency-Key")
        if self.path != "/charges":
            self._answer(404, Problem(error=f"nothing at {self.path}"))
        elif not key:
            self._answer(400, Problem(error="a charge needs an Idempotency-Key"))
        else:
            try:
                request = Request.model_validate_json(body)
            except ValidationError as error:
                self._answer(400, Problem(error=str(error)))
            else:
                self._charge(key, request)

    def _charge(self, key: str, request: Request) -> None:
        match self.server.ledger.answer(key, request):
            case Charged(charge, answered):
                if not answered:
                    self.server.closing.wait(self.server.stall)
                receipt = Receipt(
                    charge_id=charge.charge_id, amount_cents=charge.amount_cents, replayed=False
                )
                self._answer(201, receipt)
            case Replayed(charge):
                receipt = Receipt(
                    charge_id=charge.charge_id, amount_cents=charge.amount_cents, replayed=True
                )
                self._answer(200, receipt)
            case Conflict():
                self._answer(422, Problem(error="this Idempotency-Key was used for another charge"))
            case Fail():
                self._answer(500, Problem(error="the payment system had an accident"))
            case Busy(retry_after):
                self._answer(503, Problem(error="too busy"), ("Retry-After", str(retry_after)))
            case Decline():
                self._answer(402, Problem(error=f"{request.card} was declined"))
            case _ as never:
                assert_never(never)

    def _answer(self, status: int, body: BaseModel, *headers: tuple[str, str]) -> None:
        data = body.model_dump_json().encode()
        try:
            self.send_response(status)
            for name, value in (
                *headers,
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(data))),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:
            # A caller that gave up, or was killed while it waited, is the very thing this service
            # is for.
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the ledger is the log."""
