"""What this process is to reeve: its pool and slot, the numbers that are asked of it, and who
follows them.

A process *attaches* the first time that something needs it: a pool is made, a callback is given, a
thread is registered. From then on it writes telemetry and answers commands, until it ends. Attached
is one process of a worker at most; a child that it forks is not, and goes on as if there were no
reeve. A process that finds another one attached waits for its end in the background: a server that
replaces its process has both for a while."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

from ._control import LOGGER, Control
from ._telemetry import telemetry

COUNT_MAX = 65535
Callback = Callable[[int], None]


class Follower(Protocol):
    """A pool that is told how large it shall be."""

    @property
    def limit(self) -> int | None: ...

    def follow(self, count: int) -> None: ...


def environment_count(name: str) -> int | None:
    """A number that reeve gave at the start."""
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) <= COUNT_MAX else None


class Drain(threading.Event):
    """Set when reeve asks this process to finish what it has and to take nothing more."""

    def wait(self, timeout: float | None = None) -> bool:
        worker.attach()
        return super().wait(timeout)

    def is_set(self) -> bool:
        worker.attach()
        return super().is_set()


class Axis:
    """One number that reeve sets, and who follows it: threads, or greenlets."""

    def __init__(self, key: str, what: str) -> None:
        self.key, self.what = key, what
        self.count: int | None = None  # the last that was asked for
        self.followers: weakref.WeakSet[Follower] = weakref.WeakSet()
        self.callbacks: list[Callback] = []

    def current(self) -> int | None:
        return self.count or environment_count(f"REEVE_{self.key}") or None

    @property
    def is_followed(self) -> bool:
        return bool(self.callbacks or self.followers)

    def in_force(self) -> int | None:
        """What the hello says: the size that the pools have, whoever gave it."""
        limits = [follower.limit for follower in self.followers if follower.limit is not None]
        return max(limits) if limits else self.current() if self.is_followed else None

    def set(self, text: str) -> tuple[str, str | int]:
        """The answer to KEY=text."""
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= COUNT_MAX):
            return "ERROR", f"{self.key}= must be between 1 and {COUNT_MAX}"
        self.count = int(text)
        if not self.is_followed:
            return "ERROR", f"this worker has no pool of {self.what}"
        for follower in list(self.followers):
            follower.follow(self.count)
        for callback in list(self.callbacks):
            callback(self.count)
        return f"{self.key}_OK", self.count


class Worker:
    """This process; there is one object of it, `worker`."""

    def __init__(self) -> None:
        self.threads = Axis("THREADS", "threads")
        self.greenlets = Axis("GREENLETS", "greenlets")
        self.drain = Drain()
        self.is_draining = False  # the same, for a look that costs nothing
        self._on_drain: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._control: Control | None = None
        self._is_settled = False  # attached, or never to be

    # ---- attaching ----

    @property
    def is_live(self) -> bool:
        """Numbers come from reeve while the process runs."""
        return self._control is not None

    def prepare(self) -> None:
        """Take the memory, and find out whether reeve will speak to us."""
        if self._is_settled:
            return
        with self._lock:
            if self._is_settled:
                return
            path = os.environ.get("REEVE_CONTROL_SOCKET")
            has_memory = self._take_memory()
            if path and has_memory is not None:
                self._control = Control(path, self._answer, self._current, self._may_connect)
            if path or has_memory:
                atexit.register(self._end)
            self._is_settled = True

    def attach(self) -> None:
        """The same, and begin to listen: who is to follow is there."""
        self.prepare()
        if self._control is not None:
            self._control.start()

    def _take_memory(self) -> bool | None:
        """True: ours, or there is none; False: another process has it; None: we are no worker."""
        fd = environment_count("REEVE_TELEMETRY_FD")
        if fd is None:
            return True
        try:
            return telemetry.attach(fd)
        except (OSError, ValueError) as error:
            # As in a program that a worker executed: the environment came along, the memory did not.
            LOGGER.debug("reeve: no telemetry through descriptor %d: %s", fd, error)
            return None

    def _may_connect(self) -> bool:
        """Before each connection: is it our turn?"""
        if telemetry.is_attached or environment_count("REEVE_TELEMETRY_FD") is None:
            return True
        return bool(self._take_memory())

    def _end(self) -> None:
        if self._control is not None:
            self._control.stop()
        telemetry.detach()

    def after_fork_in_child(self) -> None:
        was_attached = telemetry.is_attached or self._control is not None
        if self._control is not None:
            self._control.abandon()
        telemetry.after_fork_in_child()
        self._control = None
        self._lock = threading.Lock()
        # Who never attached may do so in the child: servers fork before they serve.
        self._is_settled = self._is_settled and was_attached

    # ---- commands ----

    def _current(self) -> list[tuple[str, str | int]]:
        return [(f"{axis.key}_OK", count) for axis in (self.threads, self.greenlets)
                for count in [axis.in_force()] if count is not None]

    def _answer(self, key: str, value: str) -> tuple[str, str | int] | None:
        if key == "THREADS":
            return self.threads.set(value)
        if key == "GREENLETS":
            return self.greenlets.set(value)
        if key == "PING":
            return "PONG", value[:64]
        if key == "DRAIN":
            self._begin_drain()
            return None
        return "ERROR", f"unknown command {key[:64]}"

    def _begin_drain(self) -> None:
        self.is_draining = True
        self.drain.set()
        for callback in list(self._on_drain):
            callback()

    # ---- who follows ----

    def follow(self, axis: Axis, follower: Follower) -> None:
        """A pool was made, after prepare()."""
        was_followed = axis.is_followed
        axis.followers.add(follower)
        if axis.count and follower.limit != axis.count:
            follower.follow(axis.count)  # said since the pool looked
        self._present(axis, was_followed)

    def call_back(self, axis: Axis, callback: Callback) -> None:
        was_followed = axis.is_followed
        axis.callbacks.append(callback)
        self._present(axis, was_followed)

    def _present(self, axis: Axis, was_followed: bool) -> None:
        """The hello tells it, or what follows if that was said before."""
        is_known = self._control is not None and self._control.is_started
        self.attach()
        count = axis.in_force()
        if self._control is not None and is_known and not was_followed and count is not None:
            self._control.say((f"{axis.key}_OK", count))

    def call_on_drain(self, callback: Callable[[], None]) -> None:
        self._on_drain.append(callback)
        if self.is_draining:
            callback()


worker = Worker()
os.register_at_fork(after_in_child=worker.after_fork_in_child)
