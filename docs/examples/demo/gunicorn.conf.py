"""gunicorn under reeve: ready when it can answer.

gunicorn itself says READY=1 before it has a process that serves. Here the serving process says so,
once it has loaded the application and listens to signals; so a change of scale never counts on
one that cannot answer yet, and never stops one that does not hear it."""

import os
import socket

workers = 1  # reeve makes the processes
graceful_timeout = 5

# Taken away from gunicorn, which would use it too early.
notify_socket = os.environ.pop("NOTIFY_SOCKET", None)


def post_worker_init(worker):
    if notify_socket:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"READY=1\nSTATUS=serving", notify_socket)
