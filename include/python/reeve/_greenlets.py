"""A gevent pool whose size follows GREENLETS=.

gevent belongs to one thread, and commands come by another (a greenlet, if the program patched
threading). So a command only leaves its number and wakes the loop by the one thing that may be
called from elsewhere, an async watcher; the pool changes in its own thread.

A pool that shall shrink owes places: those that are free are taken away at once, the others as
greenlets end."""

from __future__ import annotations

import weakref
from typing import Any

import gevent
from gevent.lock import Semaphore
from gevent.pool import Pool

from ._telemetry import BUSY, IDLE, now, telemetry
from ._threads import loop_slot
from ._worker import worker


def _resize_if_there(reference: weakref.ref[GreenletPool]) -> None:
    pool = reference()
    if pool is not None:
        pool._resize()


class GreenletPool(Pool):  # type: ignore[misc]
    """gevent.pool.Pool, with a size that reeve changes while it works.

    @size: by default what reeve gave ($REEVE_GREENLETS); None or 0 there: without bound, until
    reeve says a number
    @greenlet_class: as in gevent"""

    size: int | None
    _semaphore: Any

    def __init__(self, size: int | None = None, greenlet_class: Any = None) -> None:
        size = worker.greenlets.count or size or worker.greenlets.current() or None
        super().__init__(size, greenlet_class)
        self._debt = 0
        self._wanted = size
        self._begun: dict[Any, int] = {}
        worker.prepare()
        self._slot = loop_slot()
        # A watcher that waits is no reason for the program to go on, nor for the pool to stay.
        self._changed = gevent.get_hub().loop.async_(ref=False)
        self._changed.start(_resize_if_there, weakref.ref(self))
        worker.follow(worker.greenlets, self)
        self._publish()

    @property
    def limit(self) -> int | None:
        """How many greenlets it may have; None: without bound."""
        return self._wanted

    def follow(self, count: int) -> None:
        """reeve says so many; called by any thread."""
        self._wanted = count
        self._changed.send()

    def resize(self, size: int) -> None:
        """Change the size, from the thread of the pool."""
        if size <= 0:
            raise ValueError("size must be greater than 0")
        self._wanted = size
        self._resize()

    def _resize(self) -> None:
        old, new = self.size, self._wanted
        if new is None or old == new:
            return
        self.size = new
        if old is None:
            # There was no bound, so nobody waits for a place.
            self._semaphore = Semaphore(max(0, new - len(self)))
            self._debt = max(0, len(self) - new)
        elif new > old:
            paid = min(self._debt, new - old)
            self._debt -= paid
            for _ in range(new - old - paid):
                self._semaphore.release()
        else:
            self._debt += old - new
            while self._debt and self._semaphore.acquire(blocking=False):
                self._debt -= 1
        self._publish()

    def add(self, greenlet: Any, blocking: bool = True, timeout: float | None = None) -> None:
        if telemetry.is_attached:
            telemetry.submitted()
        try:
            super().add(greenlet, blocking=blocking, timeout=timeout)
        except BaseException:
            if telemetry.is_attached:
                telemetry.rejected()
            raise
        if telemetry.is_attached:
            telemetry.started(0, None)
            self._begun[greenlet] = now()
            self._publish()

    def _discard(self, greenlet: Any) -> None:
        if self._debt:
            self._debt -= 1
            super(Pool, self)._discard(greenlet)
        else:
            super()._discard(greenlet)
        begun = self._begun.pop(greenlet, 0)
        if begun and telemetry.is_attached:
            telemetry.ended(now() - begun, greenlet.successful())
        self._publish()

    def _publish(self) -> None:
        if telemetry.is_attached:
            telemetry.greenlets(self, self.size or 0, len(self))
            if self._slot is not None:
                self._slot.show(BUSY if len(self) else IDLE)
