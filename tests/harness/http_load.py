"""Clients that ask without a pause, and keep their connections unless they are told not to.

They count as lost whatever a browser would show as an error: a reset, or an end without an answer.
Those that keep connect anew only when they were told Connection: close; the others for each request.
Answers are JSON with a "pid"."""

import contextlib
import json
import socket
import threading

PATIENCE = 60.0


class Client:
    """One connection at a time, kept as long as the server allows."""

    def __init__(self, address, keeps=True):
        self.address, self.keeps = address, keeps
        self.stream = None

    def connect(self):
        self.stream = socket.create_connection(self.address, PATIENCE).makefile("rwb")

    def close(self):
        if self.stream:
            self.stream.close()
            self.stream = None

    def send(self, path="/", method="GET", body=b""):
        if self.stream is None:
            self.connect()
        close = "" if self.keeps else "Connection: close\r\n"
        self.stream.write(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{close}"
                          f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.stream.flush()

    def receive(self):
        """(whether the connection stays, the body); ConnectionError if there is no answer."""
        head = {}
        if not (status := self.stream.readline()).startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(f"no answer, but {status!r}")
        while (line := self.stream.readline().strip()):
            name, _, value = line.decode().partition(": ")
            head[name.lower()] = value
        body = json.loads(self.stream.read(int(head["content-length"])))
        stays = self.keeps and head.get("connection", "").lower() != "close"
        if not stays:
            self.close()
        return stays, body

    def ask(self, *arguments, **keywords):
        self.send(*arguments, **keywords)
        return self.receive()


class Load:
    """So many clients that ask without a pause until stop()."""

    def __init__(self, address, clients, path="/", keeps=True):
        self.answers, self.lost, self.pids = 0, [], set()
        self._path, self._keeps, self._stop = path, keeps, threading.Event()
        self._lock = threading.Lock()
        self._enough = threading.Condition(self._lock)
        self._threads = [threading.Thread(target=self._run, args=(address,)) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, address):
        client = Client(address, self._keeps)
        while not self._stop.is_set():
            try:
                _, body = client.ask(self._path)
            except (OSError, ValueError) as error:
                with self._lock:
                    self.lost.append(repr(error))
                client.close()
                continue
            with self._lock:
                self.answers += 1
                self.pids.add(body["pid"])
                self._enough.notify_all()
        client.close()

    def await_answers(self, count):
        """So many more."""
        with self._lock:
            wanted = self.answers + count
            assert self._enough.wait_for(lambda: self.answers >= wanted, PATIENCE), self.lost

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def load(address, clients, path="/", keeps=True):
    running = Load(address, clients, path, keeps)
    try:
        yield running
    finally:
        running.stop()
