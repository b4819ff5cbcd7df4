"""reeve's SDK for workers in Python.

A program that uses it runs with reeve and without. Under reeve, in a pool with ThreadControl=live,
its pools of threads and greenlets grow and shrink as `reevectl scale` says, and what its threads
do is seen from outside.

    import reeve

    def main():
        pool = reeve.ThreadPoolExecutor()   # size: $REEVE_THREADS, and then what reeve says
        listener = reeve.listener()         # a socket that reeve opened
        reeve.notify.ready()
        while not reeve.drain.is_set():
            connection, _ = listener.accept()
            pool.submit(serve, connection)

docs/python.md has the whole of it, with gunicorn, gevent and asyncio."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import notify
from ._executor import ThreadPoolExecutor
from ._listeners import listener, listeners
from ._threads import label, register_thread, task, waiting, work
from ._version import __version__
from ._worker import environment_count, worker

if TYPE_CHECKING:
    from ._greenlets import GreenletPool

__all__ = ["GreenletPool", "ThreadPoolExecutor", "__version__", "attach", "drain", "greenlets",
           "label", "listener", "listeners", "notify", "on_greenlets", "on_threads", "pool",
           "register_thread", "slot", "task", "threads", "waiting", "work"]

#: A threading.Event: reeve wants this process to finish what it has and to take nothing more.
drain = worker.drain


def pool() -> str | None:
    """The pool that this process works for, None without reeve."""
    return os.environ.get("REEVE_POOL")


def slot() -> int | None:
    """Its number in the pool, from 0; None without reeve."""
    return environment_count("REEVE_SLOT")


def threads(default: int = 1) -> int:
    """How many threads reeve wants in this process now; @default without reeve."""
    return worker.threads.current() or default


def greenlets(default: int = 0) -> int:
    """How many greenlets reeve wants in each thread now; @default without reeve."""
    return worker.greenlets.current() or default


def attach() -> None:
    """Begin to follow reeve and to tell it what the threads do.

    Pools, callbacks and register_thread() do it by themselves. A program that only asks threads()
    now and then calls it once; in a server that forks, that is done in the process that serves."""
    worker.attach()


def on_threads(callback: Callable[[int], None]) -> None:
    """Have @callback(n) called whenever reeve wants n threads, by a thread of our own.

    For programs with a pool of another kind. What it raises is told to reeve."""
    worker.call_back(worker.threads, callback)


def on_greenlets(callback: Callable[[int], None]) -> None:
    """The same for the number of greenlets in each thread."""
    worker.call_back(worker.greenlets, callback)


def __getattr__(name: str) -> Any:
    # Only who uses it needs gevent.
    if name == "GreenletPool":
        from ._greenlets import GreenletPool
        return GreenletPool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
