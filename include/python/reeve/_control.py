"""The conversation with reeve over $REEVE_CONTROL_SOCKET: datagrams of KEY=VALUE lines.

One thread connects, says hello, answers, and connects anew when the other side is gone: reeved may
be replaced or be away for a while, and its workers go on meanwhile. Commands may come twice; each
says what shall be, so that does no harm. A command that bears a SEQUENCE= is answered with the
same one, whatever the answer is."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
from collections.abc import Callable, Iterable

from ._version import __version__

LOGGER = logging.getLogger("reeve")
MESSAGE_BYTES = 4096
RETRY_FIRST, RETRY_LAST = 0.05, 2.0  # seconds between two attempts to connect

Lines = list[tuple[str, str]]


def parse(data: bytes) -> Lines:
    """The lines of a datagram; what is no KEY=VALUE is passed over."""
    lines = (line.partition("=") for line in data.decode("utf-8", "replace").split("\n"))
    return [(key, value) for key, separator, value in lines if key and separator]


def render(lines: Iterable[tuple[str, str | int]]) -> bytes:
    """A datagram; values hold one line each."""
    text = "".join(f"{key}={' '.join(str(value).splitlines())}\n" for key, value in lines)
    return text.encode("utf-8", "replace")[:MESSAGE_BYTES]


class Control:
    """@answer: what to say to one command, as (KEY, value); None: nothing
    @current: what is true now, for the hello
    @prepare: called before each attempt; False: not yet"""

    def __init__(self, path: str, answer: Callable[[str, str], tuple[str, str | int] | None],
                 current: Callable[[], list[tuple[str, str | int]]],
                 prepare: Callable[[], bool]) -> None:
        self._path = path
        self._answer, self._current, self._prepare = answer, current, prepare
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self.is_started = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reeve-control", daemon=True)

    def start(self) -> None:
        if self.is_started:
            return
        with self._lock:
            if not self.is_started:
                self.is_started = True
                self._thread.start()

    def stop(self) -> None:
        """The process ends: the other side sees the connection close."""
        self._stopped.set()
        with self._lock:
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        if self.is_started and threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def abandon(self) -> None:
        """In a child: the connection is the parent's, and only our copy of it is closed."""
        if self._socket is not None:
            self._socket.close()

    def say(self, *lines: tuple[str, str | int]) -> None:
        """Something that was not asked for; nothing is lost if nobody listens."""
        with self._lock:
            if self._socket is not None:
                try:
                    self._socket.send(render(lines), socket.MSG_DONTWAIT)
                except OSError:
                    pass

    def _run(self) -> None:
        delay = RETRY_FIRST
        while not self._stopped.is_set():
            if self._prepare() and self._converse():
                delay = RETRY_FIRST
            # Not all workers at the same moment, when reeved is back.
            self._stopped.wait(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, RETRY_LAST)

    def _converse(self) -> bool:
        """One connection, from beginning to end; False if there was none."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with connection:
            try:
                connection.connect(self._path)
                connection.send(render([("HELLO", 1), ("PID", os.getpid()),
                                        ("SDK", f"python/{__version__}"), *self._current()]))
            except OSError:
                return False
            with self._lock:
                self._socket = connection
            try:
                while not self._stopped.is_set():
                    data = connection.recv(MESSAGE_BYTES)
                    if not data:
                        break
                    self._obey(connection, parse(data))
            except OSError:
                pass
            finally:
                with self._lock:
                    self._socket = None
        return True

    def _obey(self, connection: socket.socket, lines: Lines) -> None:
        answers: list[tuple[str, str | int]] = []
        answers.extend([line for line in lines if line[0] == "SEQUENCE"][:1])
        for key, value in lines:
            if key == "SEQUENCE":
                continue
            try:
                answer = self._answer(key, value)
            except Exception as error:  # whatever the program's callbacks raise
                LOGGER.exception("reeve: %s=%s", key, value)
                answer = ("ERROR", f"{key}={value}: {error}")
            if answer:
                answers.append(answer)
        if answers:
            with self._lock:
                # Who does not read its answers is gone, or as good as gone.
                connection.send(render(answers), socket.MSG_DONTWAIT)
