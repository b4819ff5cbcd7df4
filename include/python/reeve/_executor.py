"""A concurrent.futures.ThreadPoolExecutor whose size may change while it works.

Threads take tasks from one queue under one lock. A thread without a task lies on a stack of idle
ones and sleeps on an inbox of its own; whoever submits takes the topmost off, hands it the task and
wakes it, so that few tasks keep few threads warm. Only when no thread is idle does a task wait. A pool that shall grow gets its threads at once under reeve, and
when there is something to do without it, as the standard library does. One that shall shrink loses
idle threads at once; a busy one goes when its task has ended. Nothing is dropped.

Threads know the crew, not the executor, so that an executor that nobody holds any more can go: its
crew is then told to finish. That may happen in the midst of anything, also while this thread holds
the lock, so `Crew.close` takes none: it raises a flag and puts a token into every inbox. A token
too many is harmless, since whoever wakes looks again.

Of each task two readings of the clock are told: one at its end, and one at its beginning if its
thread was idle, or when it was queued if none was. A thread that goes from task to task begins the
next at the end of the last."""

from __future__ import annotations

import itertools
import logging
import os
import queue
import threading
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.thread import BrokenThreadPool
from typing import Any, TypeVar

from . import _threads
from ._telemetry import KINDS, ThreadSlot, now, telemetry
from ._worker import worker

LOGGER = logging.getLogger("concurrent.futures")
T = TypeVar("T")
# Future, function, arguments, keywords, when it was queued (0: a thread was there for it)
Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any], int]

_crews: weakref.WeakSet[Crew] = weakref.WeakSet()
_is_exiting = False


class Member:
    """One thread of a crew."""

    __slots__ = ("number", "handed", "inbox", "slot", "ended", "thread")

    def __init__(self, number: int, task: Task | None) -> None:
        self.number = number
        self.handed = task  # given by whoever submits, while this thread is on no stack
        self.inbox: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.slot: ThreadSlot | None = None
        self.ended = 0  # when its last task did; 0: it has been idle since
        self.thread: threading.Thread | None = None


class Crew:
    """The threads of an executor and the queue between them."""

    def __init__(self, limit: int, prefix: str, initializer: Callable[..., object] | None,
                 initargs: tuple[Any, ...], capacity: int, is_eager: bool) -> None:
        self.limit, self.live, self.capacity = limit, 0, capacity
        self._starting = 0
        self.is_eager = is_eager
        self.tasks: deque[Task] = deque()
        self.owner: weakref.ref[ThreadPoolExecutor] | None = None
        self.broken = ""
        self.is_closed = False
        self.threads: set[threading.Thread] = set()
        self._prefix, self._initializer, self._initargs = prefix, initializer, initargs
        self._members: set[Member] = set()
        self._idle: dict[Member, None] = {}  # a stack: the last in is the first out
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        _crews.add(self)
        telemetry.add(self)
        try:
            self.resize(limit)
        except RuntimeError as error:
            if not self.live:
                telemetry.remove(self)
                raise
            LOGGER.warning("%d of %d threads: %s", self.live, limit, error)

    # ---- tasks in ----

    def submit(self, future: Future[Any], function: Callable[..., Any], args: tuple[Any, ...],
               kwargs: dict[str, Any]) -> None:
        member = None
        with self._lock:
            self._check_open()
            while not self._idle and self.live >= self.limit and not self._has_room():
                self._room.wait()
                self._check_open()
            if self._idle:
                self._hand((future, function, args, kwargs, 0))
                if telemetry.is_attached:
                    telemetry.submitted()
            elif self.live < self.limit:
                member = self._enlist((future, function, args, kwargs, 0))
            else:
                self._queue((future, function, args, kwargs, now()))
        if member is not None:
            self._start(member)

    def _hand(self, task: Task) -> None:
        """Locked. To the thread that has been idle for the shortest time."""
        member = self._idle.popitem()[0]
        member.handed = task
        member.inbox.put(None)

    def _has_room(self) -> bool:
        """Locked. A task that submits would wait for itself, if all threads did the same."""
        return (not self.capacity or len(self.tasks) < self.capacity
                or threading.current_thread() in self.threads)

    def _queue(self, task: Task) -> None:
        """Locked."""
        if telemetry.is_attached:
            telemetry.queued(self.tasks, task)
        else:
            self.tasks.append(task)

    def _check_open(self) -> None:
        if self.broken:
            raise BrokenThreadPool(self.broken)
        if self.is_closed or _is_exiting:
            if telemetry.is_attached:
                telemetry.rejected()
            raise RuntimeError("cannot schedule new futures after "
                               + ("interpreter shutdown" if _is_exiting else "shutdown"))

    # ---- size ----

    def resize(self, limit: int) -> None:
        """Have so many threads; RuntimeError if the system has no more."""
        with self._lock:
            self.limit = limit
            surplus = list(self._idle)[:max(0, self.live - limit)]
            for member in surplus:
                del self._idle[member]
                member.inbox.put(None)
            telemetry.publish()
        # One by one, so that those who work are not held up meanwhile.
        while (missing := self._enlist_missing()) is not None:
            self._start(missing)

    def _enlist_missing(self) -> Member | None:
        with self._lock:
            wanted = self.limit if self.is_eager else min(self.limit, self.live + len(self.tasks))
            is_over = self.is_closed or _is_exiting
            return self._enlist(None) if self.live < wanted and not is_over else None

    def _enlist(self, task: Task | None) -> Member:
        """Locked. It counts from now on, and is to be started. The lowest free number names it."""
        taken = {member.number for member in self._members}
        member = Member(next(i for i in itertools.count() if i not in taken), task)
        member.thread = threading.Thread(target=self._serve, args=(member,),
                                         name=f"{self._prefix}_{member.number}")
        self._members.add(member)
        self.threads.add(member.thread)
        self.live += 1
        self._starting += 1
        if telemetry.is_attached:
            telemetry.publish()
            if task is not None:
                telemetry.submitted()
        return member

    def _start(self, member: Member) -> None:
        """Not locked: a new thread that is done at once shall be idle at once, so that it is
        taken again. RuntimeError if the system has no more threads, and a task has nobody else."""
        assert member.thread is not None
        try:
            member.thread.start()
        except RuntimeError:
            with self._lock:
                self._strike(member)
                self.threads.discard(member.thread)
                if not member.handed or not self.live:
                    raise
                self._pass_on(member.handed)
        finally:
            with self._lock:
                self._starting -= 1
                self._room.notify_all()

    def _pass_on(self, task: Task) -> None:
        """Locked. The thread that it was for does not exist; it was counted already."""
        if self._idle:
            self._hand(task)
        else:
            self.tasks.append(task)
            telemetry.publish()

    def settle(self) -> None:
        """Returns when no thread is in the midst of being started."""
        with self._lock:
            while self._starting:
                self._room.wait()

    def _strike(self, member: Member) -> None:
        """Locked. Its thread ends."""
        self.live -= 1
        self._members.discard(member)
        self._idle.pop(member, None)
        # After shutdown() they are kept, for those who wait for them.
        if not (self.is_closed or _is_exiting) and member.thread is not None:
            self.threads.discard(member.thread)
        if self.live or not (self.is_closed or _is_exiting):
            telemetry.publish()
        else:
            telemetry.remove(self)

    # ---- the threads ----

    def _serve(self, member: Member) -> None:
        self._show(member)
        try:
            if self._initializer is not None:
                try:
                    self._initializer(*self._initargs)
                except BaseException:
                    LOGGER.critical("Exception in initializer:", exc_info=True)
                    self._break(member)
                    return
            while (task := self._next(member)) is not None:
                self._work(member, task)
                del task
        except BaseException:
            LOGGER.critical("Exception in worker", exc_info=True)
        finally:
            telemetry.release(member.slot)
            with self._lock:
                if member in self._members:
                    self._strike(member)

    @staticmethod
    def _show(member: Member) -> None:
        member.slot = telemetry.claim(KINDS["pool"])
        _threads.enter(member.slot)

    def _next(self, member: Member) -> Task | None:
        """Waits for a task; None: this thread is to end."""
        while member.handed is None:
            with self._lock:
                self._idle.pop(member, None)
                if member.handed is not None:
                    break
                if self.live > self.limit or (not self.tasks and (self.is_closed or _is_exiting)):
                    self._strike(member)
                    return None
                if self.tasks:
                    if self.capacity:
                        self._room.notify()
                    return self.tasks.popleft()
                self._idle[member] = None
            member.ended = 0
            member.inbox.get()
        task, member.handed = member.handed, None
        return task

    def _work(self, member: Member, task: Task) -> None:
        future, function, args, kwargs, queued = task
        del task
        if not telemetry.is_attached:
            member.ended = 0
            if future.set_running_or_notify_cancel():
                self._run(future, function, args, kwargs)
            return
        if member.slot is None:
            self._show(member)
        if not future.set_running_or_notify_cancel():
            telemetry.gave_up()
            return
        begun = member.ended or now()
        if queued:
            # What was queued while this thread finished its last task has not waited.
            telemetry.started(begun - queued if begun > queued else 0, self.tasks)
        else:
            telemetry.started(0, None)
        if member.slot is not None:
            member.slot.begin(begun)
        self._run(future, function, args, kwargs, member, begun)

    @staticmethod
    def _run(future: Future[Any] | None, function: Callable[..., Any], args: tuple[Any, ...],
             kwargs: dict[str, Any], member: Member | None = None, begun: int = 0) -> None:
        """What was done is told before the result is: who has the result finds it counted."""
        assert future is not None
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            if member is not None:
                _tell(member, begun, False)
            future.set_exception(error)
            # The error's traceback holds this frame.
            future = None
        else:
            if member is not None:
                _tell(member, begun, True)
            future.set_result(result)

    # ---- the end ----

    def _break(self, member: Member) -> None:
        with self._lock:
            self.broken = "A thread initializer failed, the thread pool is not usable anymore"
            lost = list(self.tasks) + ([member.handed] if member.handed else [])
            member.handed = None
            self.tasks.clear()
            self._room.notify_all()
        for future, *_ in lost:
            if future.set_running_or_notify_cancel():
                future.set_exception(BrokenThreadPool(self.broken))

    def close(self, _: object = None) -> None:
        """What was accepted is finished, then the threads end. May be called anywhere."""
        self.is_closed = True
        self.wake()
        if not self.live:
            telemetry.remove(self)

    def wake(self) -> None:
        for member in list(self._members):
            member.inbox.put(None)

    def cancel(self) -> None:
        with self._lock:
            lost = list(self.tasks)
            self.tasks.clear()
            self._room.notify_all()
        for future, *_ in lost:
            future.cancel()
            future.set_running_or_notify_cancel()
            if telemetry.is_attached:
                telemetry.gave_up()

    def release_waiting(self) -> None:
        """Those who wait for room in the queue learn that there will be none."""
        with self._lock:
            self._room.notify_all()

    def after_fork_in_child(self) -> None:
        """The threads are the parent's, and what they were to do as well."""
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self.live = self._starting = 0
        self.tasks.clear()
        self.threads.clear()
        self._members.clear()
        self._idle.clear()
        self.is_eager = False


def _tell(member: Member, begun: int, is_ok: bool) -> None:
    """A task ended."""
    member.ended = ended = now()
    if member.slot is not None:
        member.slot.end(ended)
    telemetry.ended(ended - begun, is_ok)


class ThreadPoolExecutor(Executor):
    """concurrent.futures.ThreadPoolExecutor, with a size that reeve changes while it works.

    @max_workers: threads at the start; by default what reeve gave ($REEVE_THREADS), without reeve
    what the standard library takes. Under reeve with ThreadControl=live that many run from the
    start, and `reevectl scale` changes their number
    @thread_name_prefix, @initializer, @initargs: as in the standard library
    @queue_size: so many tasks may wait for a thread; submit() waits for room. 0: without bound
    @follow: False: keep the size whatever reeve says, for pools beside the one that matters"""

    _counter = itertools.count().__next__

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "",
                 initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = (),
                 *, queue_size: int = 0, follow: bool = True) -> None:
        if max_workers is None:
            max_workers = (worker.threads.current() if follow else None) \
                or min(32, (os.cpu_count() or 1) + 4)
        elif follow and worker.threads.count:
            max_workers = worker.threads.count  # reeve has spoken since the start
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if queue_size < 0:
            raise ValueError("queue_size must not be negative")
        worker.prepare()
        prefix = thread_name_prefix or f"ThreadPoolExecutor-{type(self)._counter()}"
        self._crew = Crew(max_workers, prefix, initializer, tuple(initargs), queue_size,
                          worker.is_live and follow)
        # Kept by the crew: garbage that is collected together with this object calls nobody.
        self._crew.owner = weakref.ref(self, self._crew.close)
        if follow:
            worker.follow(worker.threads, self)
        else:
            worker.attach()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        self._crew.submit(future, fn, args, kwargs)
        return future

    submit.__doc__ = Executor.submit.__doc__

    def resize(self, max_workers: int) -> None:
        """Change the size. reeve does; a program that runs without it may."""
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._crew.resize(max_workers)

    def follow(self, count: int) -> None:
        """reeve says so many."""
        self._crew.resize(count)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._crew.close()
        worker.threads.followers.discard(self)
        if cancel_futures:
            self._crew.cancel()
        self._crew.release_waiting()
        if wait:
            self._crew.settle()
            for thread in list(self._crew.threads):
                thread.join()

    shutdown.__doc__ = Executor.shutdown.__doc__

    @property
    def limit(self) -> int:
        """How many threads it is to have."""
        return self._crew.limit

    # Names of the standard library's, which programs look at.

    @property
    def _max_workers(self) -> int:
        return self._crew.limit

    @property
    def _threads(self) -> set[threading.Thread]:
        return self._crew.threads

    @property
    def _broken(self) -> str:
        return self._crew.broken

    @property
    def _shutdown(self) -> bool:
        return self._crew.is_closed


def _exit() -> None:
    """The interpreter ends: what was accepted is finished first."""
    global _is_exiting
    _is_exiting = True
    crews = list(_crews)
    for crew in crews:
        crew.wake()
        crew.release_waiting()
    for crew in crews:
        crew.settle()
        for thread in list(crew.threads):
            thread.join()


def _after_fork_in_child() -> None:
    for crew in list(_crews):
        crew.after_fork_in_child()


# What the standard library does as well: atexit.register() would come too late, since the
# interpreter waits for these threads before.
threading._register_atexit(_exit)  # type: ignore[attr-defined]
os.register_at_fork(after_in_child=_after_fork_in_child)
