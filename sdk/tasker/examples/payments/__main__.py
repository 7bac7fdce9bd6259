"""Serves until it is ended or its standard input closes, so as not to outlive who started it.

The first line on standard output is the URL. One optional argument: how many seconds a stalled
request waits.
"""

import sys
import threading

from tasker.examples.payments.server import PaymentServer


def main() -> None:
    """Run the service."""
    server = PaymentServer(stall=float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
    threading.Thread(target=_close_after_parent, args=(server,), daemon=True).start()
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    try:
        server.serve_forever(poll_interval=0.05)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def _close_after_parent(server: PaymentServer) -> None:
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    main()
