"""Stands in for the services that the three workflows read: prices, a bank, a ledger, a screening.

    python services.py                                   # on 127.0.0.1:8700, until Ctrl-C
    python services.py --fault /prices/lamp=500,429      # it answers so first, and then as it should
    python services.py --fault '/prices/lamp=redirect*'  # always

Everything that it knows is below, in `sample`. Listens on loopback only.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FAULTS = {
    "500": "an accident",
    "429": "too busy: come back in a second",
    "slow": "no answer for ten seconds",
    "drip": "a byte now and then",
    "drop": "the connection ends without an answer",
    "cut": "the connection ends within the answer",
    "broken": "the answer is complete, and ends within its JSON",
    "html": "a page for people",
    "misfit": "JSON of another shape",
    "redirect": "to another place",
    "repeat": "of a list in pages: the page before once more",
    "circle": "of a list in pages: the next page is this one",
}
"""The ways in which services misbehave."""

_PAGE = 100


@dataclass(frozen=True)
class Known:
    """What the services answer with."""

    prices: dict[str, int] = field(default_factory=dict[str, int])
    bank: Sequence[dict[str, Any]] = ()
    ledger: Sequence[dict[str, Any]] = ()
    scores: dict[str, int] = field(default_factory=dict[str, int])


def sample() -> Known:
    """Enough to try the workflows out."""
    invoices = [(f"inv-{number:03}", 1_000 + 37 * number) for number in range(1, 251)]
    bank: list[dict[str, Any]] = [
        {"id": f"b-{place}", "reference": invoice, "cents": cents}
        for place, (invoice, cents) in enumerate(invoices)
        if invoice != "inv-007"  # was never paid
    ]
    bank[40]["cents"] -= 500  # was paid in two parts
    bank.append({"id": "b-250", "reference": bank[40]["reference"], "cents": 500})
    bank[80]["cents"] -= 500  # was paid too little
    ledger: list[dict[str, Any]] = [
        {"entry": place, "invoice": invoice, "cents": cents}
        for place, (invoice, cents) in enumerate(invoices)
        if invoice != "inv-100"  # was never written down
    ]
    return Known(
        prices={"mug": 1_200, "lamp": 4_900, "desk": 39_900},
        bank=bank,
        ledger=ledger,
        scores={"ada": 5, "bob": 55, "cyd": 60, "dan": 65, "eve": 95},
    )


def find(known: Known, path: str, query: dict[str, str], again: str = "") -> Any:
    """What is at a path; None where nothing is. `again`: of a list in pages, the page before, with a cursor of its
    own.
    """
    match path.strip("/").split("/"):
        case ["prices", sku] if sku in known.prices:
            return {"sku": sku, "cents": known.prices[sku]}
        case ["screening", customer] if customer in known.scores:
            return {"score": known.scores[customer], "source": "sanctions-list"}
        case ["bank", "payments"]:
            start = int(query.get("after", "0").partition("-")[0])
            shown = max(0, start - _PAGE) if again else start
            page = known.bank[shown : shown + _PAGE]
            if again:
                return {"payments": page, "next": f"{start}-{again}"}
            more = start + _PAGE < len(known.bank)
            return {"payments": page, "next": str(start + _PAGE) if more else None}
        case ["ledger", "entries"]:
            start = (int(query.get("page", "1")) - 1) * _PAGE
            return known.ledger[start : start + _PAGE]
        case _:
            return None


class Services(ThreadingHTTPServer):
    """The services, on one port. `faults`: by path, how the next requests are met; the last may be for ever.

    `asked` has every request so far, in order.
    """

    daemon_threads = True

    def __init__(self, known: Known, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Exchange)
        self.known = known
        self.asked: list[str] = []
        self.closing = threading.Event()
        self._faults: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()

    def misbehave(self, path: str, faults: Iterable[str]) -> None:
        """Meet the next requests for a path so: a fault each, and with a star for ever. None: behave again."""
        given = list(faults)
        for fault in given:
            if fault.removesuffix("*") not in FAULTS:
                raise ValueError(f"{fault!r} is none of {', '.join(FAULTS)}")
        with self._lock:
            self._faults[path] = given

    def next_fault(self, path: str) -> str | None:
        """How to meet a request for a path; None: as it should be."""
        with self._lock:
            faults = self._faults[path]
            if faults and not faults[0].endswith("*"):
                return faults.pop(0)
            return faults[0].removesuffix("*") if faults else None

    def server_close(self) -> None:
        """Stop listening, and let slow requests go."""
        self.closing.set()
        super().server_close()


class _Exchange(BaseHTTPRequestHandler):
    server: Services  # pyright: ignore[reportIncompatibleVariableOverride] # what http.server leaves untyped
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """As ever, until whoever asks has gone."""
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self._meet(self.server.next_fault(url.path), url.path, query)

    def _meet(self, fault: str | None, path: str, query: dict[str, str]) -> None:
        again = str(len(self.server.asked)) if fault == "repeat" else ""
        found = find(self.server.known, path, query, again)
        body = json.dumps(found).encode()
        match fault:
            case None | "repeat":
                self._answer(404 if found is None else 200, body)
            case "500":
                self._answer(500, b'{"error": "an accident"}')
            case "429":
                self._answer(429, b'{"error": "too busy"}', ("Retry-After", "1"))
            case "slow":
                self.server.closing.wait(10)
                self._answer(200, body)
            case "drip":
                self._begin(200, len(body))
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    if self.server.closing.wait(0.5):
                        break
            case "drop":
                self.close_connection = True
            case "cut":
                self._begin(200, len(body))
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            case "broken":
                self._answer(200, body[: len(body) // 2])
            case "html":
                self._answer(200, b"<h1>Welcome</h1>", ("Content-Type", "text/html"))
            case "misfit":
                self._answer(200, b'{"cents": "many", "score": "high", "payments": [{}]}')
            case "redirect":
                self._answer(302, b"", ("Location", f"/elsewhere{path}"))
            case "circle":
                self._answer(200, json.dumps({**found, "next": query.get("after", "0")}).encode())
            case _:
                raise AssertionError(fault)

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self._begin(status, len(body), *headers)
        self.wfile.write(body)

    def _begin(self, status: int, length: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(length),
            **dict(headers),
        }.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: `asked` is the log."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description="Stands in for the services that the workflows read.",
        epilog="Faults: " + "; ".join(f"{name}: {what}" for name, what in FAULTS.items()),
    )
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--fault", action="append", default=[], metavar="PATH=FAULT,…")
    given = parser.parse_args()
    services = Services(sample(), given.port)
    for each in given.fault:
        path, _, faults = each.partition("=")
        try:
            services.misbehave(path, faults.split(","))
        except ValueError as error:
            parser.error(str(error))
    print(f"serves on http://127.0.0.1:{services.server_port}", flush=True)
    with suppress(KeyboardInterrupt):
        services.serve_forever()


if __name__ == "__main__":
    main()
