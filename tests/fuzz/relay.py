"""A child that says what it is told: it carries its input to a socket, and what comes from there to its output."""

import os
import socket
import sys
import threading

wire = socket.socket(socket.AF_UNIX)
wire.connect(sys.argv[1])


def carry() -> None:
    """Carry the input until it ends."""
    while data := os.read(0, 65536):
        wire.sendall(data)
    wire.shutdown(socket.SHUT_WR)


threading.Thread(target=carry, daemon=True).start()
while data := wire.recv(65536):
    while data:
        data = data[os.write(1, data) :]
