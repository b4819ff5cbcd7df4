"""Says READY=1 and then, twenty times a second, WATCHDOG=1 to reeve and a byte to a FIFO.

usage: heartbeat.py FIFO

Whoever reads the FIFO knows how much of the worker's time has passed. Nobody need read either."""

import os
import signal
import socket
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
out.setblocking(False)
fifo = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)


def attempt(call, *arguments):
    """A full socket or FIFO is somebody else's trouble."""
    try:
        call(*arguments)
    except BlockingIOError:
        pass


attempt(out.sendto, b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    attempt(out.sendto, b"WATCHDOG=1", os.environ["NOTIFY_SOCKET"])
    attempt(os.write, fifo, b".")
    time.sleep(0.05)
