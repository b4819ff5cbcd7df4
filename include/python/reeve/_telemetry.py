"""The shared memory in which this process tells reeve what its threads do.

The layout is that of reeve/telemetry.h, which says what each field means; a test holds the tables
below against it. What is told is told by plain stores: 8 or 4 bytes that are aligned are written
whole by a memoryview, so a reader never sees half a number.

One process writes. Children of a worker inherit the descriptor, and a server that replaces its
process may have two of them for a moment; so whoever attaches takes a POSIX lock on the memory,
which the kernel gives back when the process ends, however it ends. Whoever comes next goes on with
the counters as it finds them.

A total has many writers in one process, so they change it under `Telemetry.lock`. A thread's slot
is written by that thread alone, without a lock."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import struct
import threading
import time
import weakref
from collections import deque
from typing import Any, Protocol

MAGIC = b"REEVETEL"
VERSION = 1

# ---- the layout: offsets in bytes, as in telemetry.h ----

HEADER = {
    "magic": 0, "version": 8, "total_bytes": 12, "header_bytes": 16, "totals_offset": 20,
    "totals_bytes": 24, "histograms_offset": 28, "histogram_bytes": 32, "histogram_count": 36,
    "threads_offset": 40, "thread_bytes": 44, "thread_count": 48, "attached_nsec": 56,
    "attached_pid": 64, "attached_version": 68,
}
TOTALS = {
    "submitted": 0, "started": 8, "done": 16, "failed": 24, "rejected": 32, "timed_out": 40,
    "queue_length": 48, "queue_high_water": 56, "queue_capacity": 64, "threads_wanted": 72,
    "threads_live": 80, "queue_wait_nsec": 88, "service_nsec": 96, "cpu_nsec": 104,
    "lock_wait_nsec": 112, "io_wait_nsec": 120, "work_units": 128, "greenlets_wanted": 136,
    "greenlets_live": 144, "slots_used": 152,
}
THREAD = {
    "tid": 0, "state": 4, "since_nsec": 8, "task_start_nsec": 16, "tasks": 24, "busy_nsec": 32,
    "cpu_nsec": 40, "lock_nsec": 48, "io_nsec": 56, "kind": 64, "label_sequence": 76, "label": 80,
}
HEADER_BYTES, TOTALS_BYTES, HISTOGRAM_BYTES, THREAD_BYTES, LABEL_BYTES = 128, 256, 512, 128, 48

FREE, IDLE, BUSY, LOCK, IO, EXITING = range(6)
STATES = {"lock": LOCK, "io": IO}
KINDS = {"pool": 0, "other": 1, "loop": 2}
SERVICE, QUEUE_WAIT = 0, 1

# As indexes of 8 or 4 bytes, for the paths that are walked once a task.
_SUBMITTED, _STARTED, _DONE, _FAILED, _REJECTED, _TIMED_OUT, _QUEUE, _HIGH_WATER = range(8)
_QUEUE_WAIT, _SERVICE, _LOCK_WAIT, _IO_WAIT = 11, 12, 14, 15
_SINCE, _TASK_START, _TASKS, _BUSY_TIME = 1, 2, 3, 4
_TID, _STATE, _KIND, _LABEL_SEQUENCE = 0, 1, 16, 19
_LABEL = slice(THREAD["label"], THREAD["label"] + LABEL_BYTES)

now = time.monotonic_ns


class Source(Protocol):
    """A pool as the totals see it."""

    tasks: deque[Any]
    limit: int
    live: int
    capacity: int


def cut(text: str) -> bytes:
    """A label as it is stored: it ends between two characters, and always with a zero byte."""
    data = text.replace("\0", " ").encode("utf-8", "replace")[:LABEL_BYTES - 1]
    return data.decode("utf-8", "ignore").encode().ljust(LABEL_BYTES, b"\0")


class ThreadSlot:
    """What one thread tells of itself; nobody else writes here while it is claimed."""

    __slots__ = ("index", "_words", "_halves", "_bytes", "_begun", "_state_before", "is_labelled")

    def __init__(self, index: int, memory: memoryview) -> None:
        self.index = index
        self._begun = 0
        self.is_labelled = False
        self.write_to(memory)

    def write_to(self, memory: memoryview) -> None:
        self._bytes, self._words, self._halves = memory, memory.cast("Q"), memory.cast("I")

    def claim(self, kind: int) -> None:
        halves = self._halves
        self._words[_TASK_START] = 0
        self._words[_SINCE] = now()
        halves[_KIND] = kind
        halves[_TID] = threading.get_native_id()
        halves[_STATE] = IDLE

    def release(self) -> None:
        if self.is_labelled:
            self.label("")
        self._words[_TASK_START] = 0
        self._halves[_STATE] = EXITING
        self._halves[_TID] = 0
        self._halves[_STATE] = FREE

    def begin(self, at: int) -> None:
        """A task begins."""
        words = self._words
        self._begun = at
        words[_SINCE] = at
        words[_TASK_START] = at
        self._halves[_STATE] = BUSY

    def end(self, at: int) -> int:
        """It ended; returns how long it took."""
        words = self._words
        took = at - self._begun
        self._begun = 0
        words[_TASK_START] = 0
        words[_SINCE] = at
        words[_TASKS] += 1
        words[_BUSY_TIME] += took
        self._halves[_STATE] = IDLE
        if self.is_labelled:
            self.label("")
        return took

    def show(self, state: int) -> None:
        """A state without a task of its own."""
        if self._halves[_STATE] != state:
            self._words[_SINCE] = now()
            self._halves[_STATE] = state

    @property
    def is_in_task(self) -> bool:
        return self._begun != 0

    def wait_begin(self, state: int) -> int:
        at = now()
        self._words[_SINCE] = at
        self._halves[_STATE] = state
        return at

    def wait_end(self, state: int, begun: int) -> int:
        """Back at work; returns how long it waited."""
        at = now()
        self._words[THREAD["lock_nsec" if state == LOCK else "io_nsec"] // 8] += at - begun
        self._words[_SINCE] = at
        self._halves[_STATE] = BUSY if self._begun else IDLE
        return at - begun

    def label(self, text: str) -> None:
        """Readers take the text between two equal even numbers."""
        halves = self._halves
        sequence = halves[_LABEL_SEQUENCE] | 1
        halves[_LABEL_SEQUENCE] = sequence
        self._bytes[_LABEL] = cut(text)
        halves[_LABEL_SEQUENCE] = (sequence + 1) & 0xFFFFFFFF
        self.is_labelled = bool(text)

    def label_text(self) -> str:
        return bytes(self._bytes[_LABEL]).rstrip(b"\0").decode("utf-8", "replace")


class Telemetry:
    """This process's side of the memory; without reeve all of it does nothing."""

    def __init__(self) -> None:
        # Re-entrant, since a signal handler or a finalizer may run in the midst of a change.
        self.lock = threading.RLock()
        self.is_attached = False
        self._sources: list[Source] = []
        self._greenlets: weakref.WeakKeyDictionary[object, tuple[int, int]] = \
            weakref.WeakKeyDictionary()
        self._forget()

    def _forget(self) -> None:
        self._memory: mmap.mmap | None = None
        self._totals = memoryview(bytearray(TOTALS_BYTES)).cast("Q")
        self._histograms = [memoryview(bytearray(HISTOGRAM_BYTES)).cast("Q")] * 2
        self._threads: list[memoryview] = []
        self._claimed: dict[int, ThreadSlot] = {}

    # ---- attaching ----

    def attach(self, fd: int) -> bool:
        """Map @fd and begin to write.

        Returns False if another process writes there; OSError or ValueError if it is not the
        memory that reeve hands out, as in a child that was executed with our environment."""
        if not fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
            raise ValueError("memory that could shrink")
        os.set_inheritable(fd, False)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        memory = mmap.mmap(fd, os.fstat(fd).st_size)
        with self.lock:
            self._lay_out(memory)
            self._sign()
        return True

    def _lay_out(self, memory: mmap.mmap) -> None:
        """Where things are is told by the header alone, so that a longer layout will do as well."""
        view = memoryview(memory)
        field = {name: struct.unpack_from("=I", memory, offset)[0] for name, offset in HEADER.items()}
        if memory[:8] != MAGIC or field["version"] != VERSION:
            raise ValueError("not reeve's memory, or of another version of it")

        def part(offset: int, size: int, least: int) -> memoryview:
            if size < least or offset % 8 or offset + size > len(view):
                raise ValueError("a layout that cannot be")
            return view[offset:offset + size]

        self._totals = part(field["totals_offset"], field["totals_bytes"], TOTALS_BYTES).cast("Q")
        size = field["histogram_bytes"]
        self._histograms = [part(field["histograms_offset"] + kind * size, size,
                                 HISTOGRAM_BYTES).cast("Q") for kind in (SERVICE, QUEUE_WAIT)]
        size = field["thread_bytes"]
        self._threads = [part(field["threads_offset"] + index * size, size, THREAD_BYTES)
                         [:THREAD_BYTES] for index in range(field["thread_count"])]
        self._memory = memory

    def _sign(self) -> None:
        """From here on it is ours. What a process before us left as living is over."""
        assert self._memory is not None
        for memory in self._threads[:self._totals[TOTALS["slots_used"] // 8]]:
            ThreadSlot(0, memory).release()
        for name in ("queue_length", "greenlets_live", "greenlets_wanted"):
            self._totals[TOTALS[name] // 8] = 0
        struct.pack_into("=II", self._memory, HEADER["attached_pid"], os.getpid(), VERSION)
        self.is_attached = True
        self.publish()
        struct.pack_into("@Q", self._memory, HEADER["attached_nsec"], now())

    def detach(self) -> None:
        """The process ends: its threads are no more."""
        with self.lock:
            if self.is_attached:
                for slot in list(self._claimed.values()):
                    slot.release()
                    slot.write_to(memoryview(bytearray(THREAD_BYTES)))
                self._totals[TOTALS["threads_live"] // 8] = 0
                self._totals[TOTALS["greenlets_live"] // 8] = 0
            self.is_attached = False

    def after_fork_in_child(self) -> None:
        """The memory is the parent's: what this process does is told nowhere."""
        self.lock = threading.RLock()
        self.is_attached = False
        for slot in self._claimed.values():
            slot.write_to(memoryview(bytearray(THREAD_BYTES)))
        self._forget()

    # ---- threads ----

    def claim(self, kind: int) -> ThreadSlot | None:
        """A slot for the calling thread; None without reeve, or when all are taken."""
        with self.lock:
            if not self.is_attached:
                return None
            index = next((i for i in range(len(self._threads)) if i not in self._claimed), None)
            if index is None:
                return None
            slot = self._claimed[index] = ThreadSlot(index, self._threads[index])
            used = TOTALS["slots_used"] // 8
            self._totals[used] = max(self._totals[used], index + 1)
            slot.claim(kind)
            return slot

    def release(self, slot: ThreadSlot | None) -> None:
        if slot is None:
            return
        with self.lock:
            if self._claimed.get(slot.index) is slot:
                slot.release()
                del self._claimed[slot.index]

    # ---- totals ----

    def add(self, source: Source) -> None:
        with self.lock:
            self._sources.append(source)

    def remove(self, source: Source) -> None:
        with self.lock:
            if source in self._sources:
                self._sources.remove(source)
            self.publish()

    def publish(self) -> None:
        """The sizes of the pools changed."""
        with self.lock:
            if self.is_attached:
                for name, key in (("threads_wanted", "limit"), ("threads_live", "live"),
                                  ("queue_capacity", "capacity")):
                    self._totals[TOTALS[name] // 8] = sum(getattr(source, key)
                                                          for source in self._sources)
                self._totals[_QUEUE] = self._queue_length()

    def _queue_length(self) -> int:
        return sum([len(source.tasks) for source in self._sources])

    def submitted(self) -> None:
        """A task was accepted, and some thread has it already."""
        with self.lock:
            self._totals[_SUBMITTED] += 1

    def queued(self, tasks: deque[Any], task: Any) -> None:
        """Accepted and queued in one: nobody is to see a queue that is longer than what was."""
        with self.lock:
            totals = self._totals
            totals[_SUBMITTED] += 1
            tasks.append(task)
            # The sum is for those who have several pools.
            length = len(tasks) if len(self._sources) == 1 else self._queue_length()
            totals[_QUEUE] = length
            if length > totals[_HIGH_WATER]:
                totals[_HIGH_WATER] = length

    def started(self, waited: int, tasks: deque[Any] | None) -> None:
        """@tasks: the queue of the pool that it came from, if it was in one"""
        with self.lock:
            totals = self._totals
            totals[_STARTED] += 1
            if tasks is not None:
                totals[_QUEUE] = len(tasks) if len(self._sources) == 1 else self._queue_length()
            if waited:
                totals[_QUEUE_WAIT] += waited
            self._histograms[QUEUE_WAIT][waited.bit_length() - 1 if waited else 0] += 1

    def ended(self, took: int, is_ok: bool) -> None:
        with self.lock:
            totals = self._totals
            totals[_DONE if is_ok else _FAILED] += 1
            totals[_SERVICE] += took
            self._histograms[SERVICE][took.bit_length() - 1 if took else 0] += 1

    def gave_up(self) -> None:
        """A task was taken from the queue that nobody wanted any more."""
        with self.lock:
            self._totals[_TIMED_OUT] += 1
            self._totals[_QUEUE] = self._queue_length()

    def rejected(self) -> None:
        with self.lock:
            self._totals[_REJECTED] += 1

    def waited(self, state: int, took: int) -> None:
        with self.lock:
            self._totals[_LOCK_WAIT if state == LOCK else _IO_WAIT] += took

    def worked(self, units: int) -> None:
        with self.lock:
            self._totals[TOTALS["work_units"] // 8] += units

    def greenlets(self, pool: object, wanted: int, live: int) -> None:
        """@pool: which of them it is about"""
        with self.lock:
            self._greenlets[pool] = (wanted, live)
            counts = list(self._greenlets.values())
            self._totals[TOTALS["greenlets_wanted"] // 8] = sum(count for count, _ in counts)
            self._totals[TOTALS["greenlets_live"] // 8] = sum(count for _, count in counts)

    def total(self, name: str) -> int:
        value: int = self._totals[TOTALS[name] // 8]
        return value


telemetry = Telemetry()
