"""A small reeved for one worker: the memory, the control socket, and a reader that trusts nothing.

It is written from the protocol and from telemetry.h alone, and shares no code with the SDK."""

import contextlib
import fcntl
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
SDK = ROOT / "include/python"
PATIENCE = 60.0
HEADER_BYTES, TOTALS_BYTES, HISTOGRAM_BYTES, THREAD_BYTES = 128, 256, 512, 128
TOTALS = ("submitted", "started", "done", "failed", "rejected", "timed_out", "queue_length",
          "queue_high_water", "queue_capacity", "threads_wanted", "threads_live", "queue_wait_nsec",
          "service_nsec", "cpu_nsec", "lock_wait_nsec", "io_wait_nsec", "work_units",
          "greenlets_wanted", "greenlets_live", "slots_used")
STATES = ("free", "idle", "busy", "lock", "io", "exiting")


def memory_bytes(threads):
    return HEADER_BYTES + TOTALS_BYTES + 2 * HISTOGRAM_BYTES + threads * THREAD_BYTES


def make_memory(threads):
    """As reeved makes it: the header written, the size sealed."""
    size = memory_bytes(threads)
    fd = os.memfd_create("reeve-telemetry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    totals = HEADER_BYTES
    histograms = totals + TOTALS_BYTES
    header = struct.pack("=8s12I", b"REEVETEL", 1, size, HEADER_BYTES, totals, TOTALS_BYTES,
                         histograms, HISTOGRAM_BYTES, 2, histograms + 2 * HISTOGRAM_BYTES,
                         THREAD_BYTES, threads, 0)
    os.pwrite(fd, header, 0)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS,
                fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return fd


class Reader:
    """What stands in the memory."""

    def __init__(self, fd, threads):
        self.fd, self.threads = fd, threads

    def attached_pid(self):
        nsec, pid = struct.unpack("=QI", os.pread(self.fd, 12, 56))
        return pid if nsec else None

    def totals(self):
        values = struct.unpack(f"={len(TOTALS)}Q", os.pread(self.fd, len(TOTALS) * 8, HEADER_BYTES))
        return dict(zip(TOTALS, values))

    def histogram(self, which):
        offset = HEADER_BYTES + TOTALS_BYTES + HISTOGRAM_BYTES * ("service", "queue_wait").index(which)
        return struct.unpack("=64Q", os.pread(self.fd, HISTOGRAM_BYTES, offset))

    def thread(self, index):
        data = os.pread(self.fd, THREAD_BYTES, memory_bytes(index))
        tid, state, since, start, tasks, busy, cpu, lock, io, kind, _, _, sequence = \
            struct.unpack_from("=2I7Q4I", data)
        return {"index": index, "tid": tid, "state": STATES[state], "since": since, "start": start,
                "tasks": tasks, "busy_nsec": busy, "cpu_nsec": cpu, "lock_nsec": lock, "io_nsec": io,
                "kind": kind, "sequence": sequence,
                "label": data[80:].split(b"\0")[0].decode()}

    def slots(self):
        return [self.thread(index) for index in range(self.threads)]

    def living(self):
        return [slot for slot in self.slots() if slot["state"] != "free"]

    def await_that(self, check):
        """Until @check(self) holds; memory rings no bell, so this looks again and again."""
        deadline = time.monotonic() + PATIENCE
        while not check(self):
            assert time.monotonic() < deadline, (self.totals(), self.living())
            time.sleep(0.002)


class Connection:
    """One connection of the worker."""

    def __init__(self, sock):
        self.socket = sock
        sock.settimeout(PATIENCE)

    def receive(self):
        """The next datagram, as a dict; None when it closed."""
        data = self.socket.recv(4096)
        return dict(line.split("=", 1) for line in data.decode().splitlines()) if data else None

    def send(self, text):
        self.socket.send(text.encode())

    def ask(self, text):
        self.send(text)
        return self.receive()

    def close(self):
        self.socket.close()


class FakeReeve:
    """reeved's side of one worker; start() runs a script as that worker."""

    def __init__(self, threads=4, room=16, greenlets=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rv-sdk-", dir="/tmp"))
        self.count, self.greenlets = threads, greenlets
        self.memory = make_memory(room)
        self.read = Reader(self.memory, room)
        self.path = self.folder / "control"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.folder / "notify"))
        self.notify.settimeout(PATIENCE)
        self.processes = []
        self.listener = None
        self.listen()

    def listen(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.listener.settimeout(PATIENCE)

    def go_away(self):
        self.listener.close()
        self.path.unlink()

    def accept(self):
        return Connection(self.listener.accept()[0])

    def told(self):
        """The next message to the notify socket, as a dict."""
        text = self.notify.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def environment(self):
        return {**os.environ, "PYTHONPATH": str(SDK), "PYTHONDONTWRITEBYTECODE": "1",
                "REEVE_POOL": "web", "REEVE_SLOT": "3", "REEVE_THREADS": str(self.count),
                "REEVE_GREENLETS": str(self.greenlets), "REEVE_INSTANCE": "i",
                "REEVE_CONTROL_SOCKET": str(self.path), "REEVE_TELEMETRY_FD": str(self.memory),
                "NOTIFY_SOCKET": str(self.folder / "notify")}

    def start(self, script, *arguments, **options):
        """A worker: Python that runs @script; its standard input and output are pipes."""
        return self.run([sys.executable, "-c", script, *map(str, arguments)], **options)

    def run(self, command, environment=None, pass_fds=(), **options):
        process = subprocess.Popen(
            command, env={**self.environment(), **(environment or {})},
            pass_fds=(self.memory, *pass_fds), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, **options)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.notify.close()
        self.listener.close()
        os.close(self.memory)
        shutil.rmtree(self.folder)


def line_of(process):
    """The next line that it says."""
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    assert ready, "the worker says nothing"
    return process.stdout.readline().rstrip("\n")


def tell(process, text=""):
    process.stdin.write(text + "\n")
    process.stdin.flush()


@contextlib.contextmanager
def fake_reeve(**options):
    reeve = FakeReeve(**options)
    try:
        yield reeve
    finally:
        reeve.close()
