"""A gunicorn worker whose threads change in number while it serves.

    gunicorn --workers 1 --threads ${REEVE_THREADS} -k reeve.gunicorn.ThreadWorker app:application

reeve makes the processes, so gunicorn gets one worker. It is gunicorn's own gthread in what it does
with a request; what it does with connections differs:

- The pool is reeve.ThreadPoolExecutor, made in the process that serves, after the fork.
- A connection gets a thread only once there is a request on it, so that busy threads are busy.
- A connection that the client was told to be kept alive is not closed under its next request.
  When the process is to end, or to drain, it takes no new connections, answers what comes on the
  old ones with `Connection: close`, and closes them then. One on which nothing comes for
  LEAVING_SECONDS is closed as after keep-alive's own time.
- When it loses threads while it serves, it parts with as large a share of its connections, each after
  an answer with `Connection: close`: else clients who keep theirs would never come to the processes
  that have got the threads.
- READY=1 is said once requests can be answered; gunicorn alone says it before there is a process
  that could."""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers import gthread

from . import notify
from ._executor import ThreadPoolExecutor
from ._threads import label, work
from ._worker import worker

LEAVING_SECONDS = 2.0  # for one more request on a kept connection, and for the client's own close
FRESH_SECONDS = 30.0  # for the first byte of a new connection
EXIT_SECONDS = 0.5  # before gunicorn's patience ends
Waiting = dict[Any, None]  # connections in the order in which their time ends


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """See above; gunicorn makes one of these and forks."""

    alive: bool
    nr_conns: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fresh: Waiting = {}  # accepted, nothing has come
        self._keep: Waiting = {}  # kept alive, nothing has come since
        self._lingering: Waiting = {}  # we have closed our half
        self._is_accepting = False
        self._leaves_since: float | None = None
        self._threads_before = 0  # when last asked; 0: never
        self._surplus = 0  # connections to part with

    @classmethod
    def setup(cls) -> None:
        """In the arbiter, which would use the address too early."""
        notify.take()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(worker.threads.current() or self.cfg.threads, "gthread")

    # gunicorn closes connections beyond this number after a request.
    @property
    def max_keepalived(self) -> int:
        if self.is_leaving or self.tpool is None or self._is_surplus():
            return -1
        limit: int = self.worker_connections - self.tpool.limit
        return limit

    @max_keepalived.setter
    def max_keepalived(self, value: int) -> None:
        """It depends on the number of threads, whatever gunicorn thinks at the start."""

    def _is_surplus(self) -> bool:
        """Asked once for each answer: whether to part with its connection."""
        with self._lock:
            threads, before = self.tpool.limit, self._threads_before
            self._threads_before = threads
            if threads < before:
                self._surplus = self.nr_conns * (before - threads) // before
            elif threads > before:
                self._surplus = 0
            if self._surplus == 0:
                return False
            self._surplus -= 1
            return True

    @property
    def is_leaving(self) -> bool:
        return not self.alive or worker.is_draining

    # ---- the loop ----

    def run(self) -> None:
        self.poller.register(self.PIPE[0], selectors.EVENT_READ, self._woken)
        for listener in self.sockets:
            listener.setblocking(False)
        worker.call_on_drain(self.wake)
        notify.ready("serving")
        while not self._is_done():
            self.notify()
            self._listen(not self.is_leaving and self.nr_conns < self.worker_connections)
            for key, _ in self.poller.select(0.1 if self.is_leaving else 1.0):
                key.data(key.fileobj)
            self._close_overdue()
            if not self.is_parent_alive():
                break
        self.tpool.shutdown(False)
        self.poller.close()
        for listener in self.sockets:
            listener.close()

    def _is_done(self) -> bool:
        """Also takes note of the moment from which on it leaves."""
        if not self.is_leaving:
            return False
        if self._leaves_since is None:
            self._leaves_since = time.monotonic()
            self._shorten(self._leaves_since + LEAVING_SECONDS)
        if self.alive:
            return False
        limit = self._leaves_since + self.cfg.graceful_timeout - EXIT_SECONDS
        return self.nr_conns == 0 or time.monotonic() > limit

    def _shorten(self, until: float) -> None:
        with self._lock:
            for conn in (*self._fresh, *self._keep):
                conn.until = min(conn.until, until)

    def wake(self) -> None:
        """Have the loop look; from any thread."""
        try:
            os.write(self.PIPE[1], b".")
        except (BlockingIOError, BrokenPipeError):
            pass  # it is awake, or gone

    def _woken(self, fd: int) -> None:
        try:
            os.read(fd, 4096)
        except BlockingIOError:
            pass

    def _listen(self, wanted: bool) -> None:
        if wanted == self._is_accepting:
            return
        self._is_accepting = wanted
        for listener in self.sockets:
            if wanted:
                self.poller.register(listener, selectors.EVENT_READ,
                                     partial(self.accept, listener.getsockname()))
            else:
                self.poller.unregister(listener)

    # ---- connections ----

    def accept(self, server: Any, listener: socket.socket) -> None:
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if sock.family != socket.AF_UNIX:
            # gunicorn asks it of the listener; connections that waited since before have it not,
            # and would wait for the client's delayed acknowledgement with each answer.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn = gthread.TConn(self.cfg, sock, client, server)
        with self._lock:
            self.nr_conns += 1
        self._look_at(conn, self._fresh, FRESH_SECONDS)

    def _look_at(self, conn: Any, waiting: Waiting, seconds: float) -> None:
        """To a thread if something has come; else it waits."""
        try:
            has_request = self._has_data(conn)
        except OSError:
            self._close(conn)
            return
        if has_request:
            self.enqueue_req(conn)
        else:
            self._wait(conn, waiting, seconds)

    @staticmethod
    def _has_data(conn: Any) -> bool:
        """OSError if the client has closed it."""
        if conn.parser is not None and conn.parser.unreader.buf.getbuffer().nbytes:
            return True  # it came together with the last request
        if isinstance(conn.sock, ssl.SSLSocket):
            return conn.sock.pending() > 0
        try:
            if not conn.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                raise ConnectionResetError
        except BlockingIOError:
            return False
        return True

    def _wait(self, conn: Any, waiting: Waiting, seconds: float) -> None:
        conn.sock.setblocking(False)
        if self.is_leaving:
            seconds = min(seconds, LEAVING_SECONDS)
        conn.until = time.monotonic() + seconds
        with self._lock:
            waiting[conn] = None
            self.poller.register(conn.sock, selectors.EVENT_READ,
                                 partial(self._resume, conn, waiting))

    def _resume(self, conn: Any, waiting: Waiting, _: Any) -> None:
        if self._forget(conn, waiting):
            if isinstance(conn.sock, ssl.SSLSocket):
                self.enqueue_req(conn)
            else:
                self._look_at(conn, waiting, self.cfg.keepalive)

    def _forget(self, conn: Any, waiting: Waiting) -> bool:
        """It waits no more; False if it did not."""
        with self._lock:
            if conn not in waiting:
                return False
            del waiting[conn]
            self.poller.unregister(conn.sock)
            return True

    def enqueue_req(self, conn: Any) -> None:
        try:
            conn.init()
            future = self.tpool.submit(self.handle, conn)
        except (OSError, RuntimeError):
            self._close(conn)
            return
        future.conn = conn
        future.add_done_callback(self.finish_request)

    def finish_request(self, fs: Future[Any]) -> None:
        """By the thread that has answered."""
        conn = fs.conn  # type: ignore[attr-defined]
        keepalive = not fs.cancelled() and fs.exception() is None and fs.result()[0]
        try:
            if keepalive:
                # Also when we leave: the client was told that it may send one more request.
                self._look_at(conn, self._keep, self.cfg.keepalive)
            else:
                self._part(conn)
        except (OSError, ValueError, RuntimeError):
            self._close(conn)  # the loop is over, and its poller closed

    def _part(self, conn: Any) -> None:
        """Close it after an answer. A client that has sent more already would lose the answer, if
        we closed more than our half before it has seen that."""
        if not self.is_leaving or isinstance(conn.sock, ssl.SSLSocket):
            self._close(conn)
            return
        conn.sock.setblocking(False)
        conn.sock.shutdown(socket.SHUT_WR)
        conn.until = time.monotonic() + LEAVING_SECONDS
        with self._lock:
            self._lingering[conn] = None
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._linger, conn))

    def _linger(self, conn: Any, _: Any) -> None:
        try:
            if conn.sock.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        if self._forget(conn, self._lingering):
            self._close(conn)

    def _close(self, conn: Any) -> None:
        conn.close()
        with self._lock:
            was_full = self.nr_conns >= self.worker_connections
            self.nr_conns -= 1
        if was_full or self.is_leaving:
            self.wake()

    def _close_overdue(self) -> None:
        now = time.monotonic()
        for waiting in (self._fresh, self._keep, self._lingering):
            while (conn := next(iter(waiting), None)) is not None and conn.until <= now:
                if not self._forget(conn, waiting):
                    continue
                if waiting is self._lingering:
                    self._close(conn)
                else:
                    self._close_unless_asked(conn)

    def _close_unless_asked(self, conn: Any) -> None:
        """A request that came in the last moment is answered."""
        try:
            if self._has_data(conn):
                self.enqueue_req(conn)
                return
        except OSError:
            pass
        self._close(conn)

    # ---- requests ----

    def handle(self, conn: Any) -> tuple[bool, Any]:
        keepalive, conn = super().handle(conn)
        if keepalive:
            try:
                # What the application did not read is not the next request.
                while conn.parser.mesg.body.read(8192):
                    pass
            except Exception:
                keepalive = False
        return keepalive, conn

    def handle_request(self, req: Any, conn: Any) -> bool:
        label(f"{req.method} {req.path}")
        try:
            return bool(super().handle_request(req, conn))
        finally:
            work()
