"""Running the payment service in a process of its own, and reading its books."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from tasker.examples.payments.books import Books

__all__ = ["PaymentService", "running_payment_service"]

# A proxy that the environment names is of no use for this machine's own addresses.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class PaymentService:
    """A payment service that runs."""

    url: str

    def books(self) -> Books:
        """Ask it what it has charged and what it was asked."""
        with _DIRECT.open(f"{self.url}/ledger", timeout=5) as answer:
            return Books.model_validate_json(answer.read())


@contextmanager
def running_payment_service(stall: float = 30.0) -> Generator[PaymentService]:
    """Run the service until the block ends, or this process does.

    `stall` is how many seconds a stalled request waits. Raises RuntimeError when it does not start.
    """
    command = [sys.executable, "-m", "tasker.examples.payments", str(stall)]
    # In a session of its own, so that Ctrl-C in a terminal reaches only whoever decides what to
    # end, and when.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(
                    f"the payment service did not start: exit status {process.wait(10)}"
                )
            yield PaymentService(url)
        finally:
            process.kill()
