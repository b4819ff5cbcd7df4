"""What a service tells its supervisor, by sd_notify: reeve's, or systemd's.

Each function returns whether the message was sent; without $NOTIFY_SOCKET nothing is, and that is
no error."""

from __future__ import annotations

import os
import socket
import time

_SECONDS_TO_SEND = 5.0
_taken: str | None = None  # see take()


def send(**fields: str | int) -> bool:
    """Any fields: send(READY=1, STATUS="at work")."""
    path = _taken or os.environ.get("NOTIFY_SOCKET")
    if not path or path[0] not in "/@":
        return False
    text = "".join(f"{key}={' '.join(str(value).splitlines())}\n" for key, value in fields.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(_SECONDS_TO_SEND)
            out.sendto(text.encode("utf-8", "replace"),
                       "\0" + path[1:] if path[0] == "@" else path)
    except OSError:
        return False
    return True


def take() -> None:
    """Keep the address for us alone: what else in this process uses it, would use it too early."""
    global _taken
    _taken = os.environ.pop("NOTIFY_SOCKET", None) or _taken


def ready(text: str | None = None) -> bool:
    """The service can do its work; @text as in status()."""
    return send(READY=1) if text is None else send(READY=1, STATUS=text)


def stopping(text: str | None = None) -> bool:
    """It began to stop."""
    return send(STOPPING=1) if text is None else send(STOPPING=1, STATUS=text)


def reloading() -> bool:
    """It reloads its configuration; ready() says that this is done."""
    return send(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)


def status(text: str) -> bool:
    """One line about how it is."""
    return send(STATUS=text)


def watchdog() -> bool:
    """It lives; to be said more often than watchdog_seconds()."""
    return send(WATCHDOG=1)


def watchdog_seconds() -> float | None:
    """How long it may be silent, None: for ever."""
    text = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", "")
    if not text.isdigit() or int(text) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(text) / 1e6


def main_pid(pid: int) -> bool:
    """Another process of this slot is the one to watch."""
    return send(MAINPID=pid)


def extend_timeout(seconds: float) -> bool:
    """Starting or stopping takes so much longer from now."""
    return send(EXTEND_TIMEOUT_USEC=int(seconds * 1e6))
