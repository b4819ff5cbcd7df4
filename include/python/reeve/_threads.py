"""Threads of the program's own, and what a thread says of the task it is in.

A thread of a reeve pool has a slot in the telemetry already; others get one by register_thread().
All of this does nothing without reeve, and costs next to nothing then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ._telemetry import KINDS, STATES, ThreadSlot, now, telemetry
from ._worker import worker


class _Here(threading.local):
    slot: ThreadSlot | None = None
    loop: _Loop | None = None


class _Loop:
    """The slot of a thread that runs an event loop; given back when the thread ends."""

    def __init__(self, slot: ThreadSlot | None) -> None:
        self._slot = slot

    def __del__(self) -> None:
        telemetry.release(self._slot)


_here = _Here()


def enter(slot: ThreadSlot | None) -> None:
    """The calling thread has this slot now."""
    _here.slot = slot


def loop_slot() -> ThreadSlot | None:
    """The calling thread's, which runs an event loop."""
    if _here.slot is None and telemetry.is_attached:
        _here.slot = telemetry.claim(KINDS["loop"])
        _here.loop = _Loop(_here.slot)
    return _here.slot


@contextmanager
def register_thread(kind: str = "other") -> Iterator[None]:
    """Show the calling thread, for as long as the block runs.

    @kind: "other", or "loop" for one that runs an event loop; "pool" for one that takes tasks"""
    number = KINDS[kind]
    worker.attach()
    if _here.slot is not None:
        yield
        return
    _here.slot = slot = telemetry.claim(number)
    try:
        yield
    finally:
        _here.slot = None
        telemetry.release(slot)


@contextmanager
def task(label: str = "") -> Iterator[None]:
    """The block is a task: the calling thread is busy, and the task is counted.

    It failed if the block raises. In a task of a pool, or in another task(), it only changes the
    label. A thread that is not registered is shown while the block runs."""
    slot = _here.slot
    if slot is not None and slot.is_in_task:
        before = slot.label_text()
        slot.label(label)
        try:
            yield
        finally:
            slot.label(before)
        return
    with register_thread():
        slot = _here.slot
        begun = now()
        if telemetry.is_attached:
            telemetry.submitted()
            telemetry.started(0, None)
        if slot is not None:
            slot.begin(begun)
            if label:
                slot.label(label)
        is_ok = False
        try:
            yield
            is_ok = True
        finally:
            ended = now()
            if slot is not None:
                slot.end(ended)
            if telemetry.is_attached:
                telemetry.ended(ended - begun, is_ok)


def label(text: str) -> None:
    """What the calling thread works on, until its task ends: "GET /x". 47 bytes of it are shown."""
    slot = _here.slot
    if slot is not None:
        slot.label(text)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """The block waits: "lock" or "io". It is told apart from work then."""
    state = STATES[what]
    slot = _here.slot
    if slot is None or not slot.is_in_task:
        yield
        return
    begun = slot.wait_begin(state)
    try:
        yield
    finally:
        telemetry.waited(state, slot.wait_end(state, begun))


def work(units: int = 1) -> None:
    """So many units of work are done, whatever the program counts: its throughput."""
    if units < 0:
        raise ValueError("units must not be negative")
    if telemetry.is_attached:
        telemetry.worked(units)
