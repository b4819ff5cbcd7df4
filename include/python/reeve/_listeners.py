"""The listening sockets that the supervisor opened for this process ($LISTEN_FDS)."""

from __future__ import annotations

import os
import socket

FIRST_FD = 3
_found: dict[str, list[socket.socket]] = {}
_found_by = 0  # the process that looked


def listeners() -> dict[str, list[socket.socket]]:
    """The sockets by name: reeve names them after the pool. In the order of ListenStream=.

    The same objects each time; empty if this process was given none. They block, and children do
    not inherit them."""
    global _found_by
    if _found_by != os.getpid():
        _found.clear()
        _found_by = os.getpid()
        for fd, name in _given():
            os.set_inheritable(fd, False)
            _found.setdefault(name, []).append(socket.socket(fileno=fd))
    return {name: list(sockets) for name, sockets in _found.items()}


def listener(name: str | None = None) -> socket.socket | None:
    """The first one, of all or of that name; None if there is none."""
    found = listeners()
    sockets = found.get(name, []) if name is not None else [one for all in found.values() for one in all]
    return sockets[0] if sockets else None


def _given() -> list[tuple[int, str]]:
    count, pid = os.environ.get("LISTEN_FDS", ""), os.environ.get("LISTEN_PID", "")
    if not count.isdigit() or pid != str(os.getpid()):
        return []
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    return [(FIRST_FD + i, names[i] if i < len(names) and names[i] else "unknown")
            for i in range(int(count))]
