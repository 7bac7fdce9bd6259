"""A worker of all the programs, in a process of its own: `python worker.py URL`."""

import logging
import os
import sys

import anyio
from tests.chaos.programs import WORKFLOWS

from tasker import DatabaseUnavailable, Worker
from tasker.cli.serving import serve as run

LEASE = 2.0


def serve(url: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("tasker.handler").setLevel(logging.CRITICAL)  # most of them fail as foretold
    worker = Worker(
        *WORKFLOWS, url=url, slots=20, lease=LEASE, grace=5, name=f"chaos:{os.getpid()}"
    )
    try:
        anyio.run(run, worker.run, worker.stop)
    except* DatabaseUnavailable as error:
        print(error.exceptions[0], file=sys.stderr)
        raise SystemExit(5) from None  # as `tasker worker` does


if __name__ == "__main__":
    serve(sys.argv[1])
