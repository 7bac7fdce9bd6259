"""A payment service to call: someone else's HTTP server, failing in the ways such servers do.

`python -m tasker.examples.payments` serves it, in a process of its own. It knows nothing of
workflows. What it does with a request is decided by the card (see `behaviour.py`), and it charges
once per `Idempotency-Key`, however often the request comes.
"""

from tasker.examples.payments.books import Books, Call, Charge
from tasker.examples.payments.process import PaymentService, running_payment_service

__all__ = ["Books", "Call", "Charge", "PaymentService", "running_payment_service"]
