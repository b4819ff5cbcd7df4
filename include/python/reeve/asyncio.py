"""A limit for asyncio programs that follows GREENLETS=: so many coroutines at a time.

    limit = reeve.asyncio.Limit()

    async def serve(request):
        async with limit:
            ...

It belongs to one event loop. Commands come by another thread, and are carried over to the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any

from ._telemetry import BUSY, IDLE, ThreadSlot, now, telemetry
from ._threads import loop_slot
from ._worker import worker


class Limit:
    """A semaphore whose size reeve changes while it is used; first come, first served.

    What runs inside `async with` is a task: it is counted, with its time and whether it raised.
    @size: by default what reeve gave ($REEVE_GREENLETS); without a bound until there is a number"""

    def __init__(self, size: int | None = None) -> None:
        if size is not None and size <= 0:
            raise ValueError("size must be greater than 0")
        self._limit = worker.greenlets.count or size or worker.greenlets.current()
        self._live = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._begun: dict[asyncio.Task[Any] | None, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slot: ThreadSlot | None = None
        worker.prepare()
        worker.follow(worker.greenlets, self)

    @property
    def limit(self) -> int | None:
        """How many may be inside; None: without bound."""
        return self._limit

    @property
    def live(self) -> int:
        """How many are inside."""
        return self._live

    def follow(self, count: int) -> None:
        """reeve says so many; called by any thread."""
        if self._loop is None or self._loop.is_closed():
            self._limit = count
        else:
            self._loop.call_soon_threadsafe(self.resize, count)

    def resize(self, size: int) -> None:
        """Change the size, from the loop's thread. Who is inside stays."""
        if size <= 0:
            raise ValueError("size must be greater than 0")
        self._limit = size
        self._admit()

    async def acquire(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._slot = loop_slot()
        asked = now()
        if telemetry.is_attached:
            telemetry.submitted()
        await self._enter()
        begun = now()
        self._begun[asyncio.current_task()] = begun
        if telemetry.is_attached:
            telemetry.started(begun - asked, None)

    async def _enter(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._admit()
        try:
            await waiter
        except BaseException:
            if not waiter.cancelled():
                self._leave()  # it was let in and given up at the same moment
            if telemetry.is_attached:
                telemetry.gave_up()
            raise

    def release(self, is_ok: bool = True) -> None:
        begun = self._begun.pop(asyncio.current_task(), 0)
        if telemetry.is_attached and begun:
            telemetry.ended(now() - begun, is_ok)
        self._leave()

    def _leave(self) -> None:
        self._live -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiters and (self._limit is None or self._live < self._limit):
            waiter = self._waiters.popleft()
            if not waiter.cancelled():
                self._live += 1
                waiter.set_result(None)
        if telemetry.is_attached:
            telemetry.greenlets(self, self._limit or 0, self._live)
            if self._slot is not None:
                self._slot.show(BUSY if self._live else IDLE)

    async def __aenter__(self) -> Limit:
        await self.acquire()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.release(kind is None)
