"""A worker in a process of its own: `python worker.py URL [FILE...]`.

It runs all that is in Python; with files of handlers in other languages it has children, and serves their queue too.
"""

import logging
import os
import sys
from collections.abc import Sequence

import anyio
from tests.chaos.abroad import HANDLERS, QUEUE, TEMPLATES
from tests.chaos.programs import NAMESPACE, WORKFLOWS

from tasker import DatabaseUnavailable, Worker
from tasker.cli.serving import serve as run
from tasker.languages import make_bridges

LEASE = 2.0


def serve(url: str, files: Sequence[str]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("tasker.handler").setLevel(logging.CRITICAL)  # most of them fail as foretold
    name = f"chaos:{os.getpid()}"
    worker = Worker(
        *WORKFLOWS,
        *TEMPLATES,
        *HANDLERS,
        url=url,
        queues=(NAMESPACE, QUEUE) if files else (NAMESPACE,),
        slots=20,
        lease=LEASE,
        grace=5,
        name=name,
        bridges=make_bridges(files, (), worker=name, grace=2),
    )
    try:
        anyio.run(run, worker.run, worker.stop)
    except* DatabaseUnavailable as error:
        print(error.exceptions[0], file=sys.stderr)
        raise SystemExit(5) from None  # as `tasker worker` does


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
