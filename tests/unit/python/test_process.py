"""Attaching, commands, forks and ends: the process as reeve knows it."""

import os
import signal
import socket

import pytest
from fake_reeve import PATIENCE, line_of, make_memory, tell

FOLLOW = """
import sys, reeve
reeve.on_threads({callback})
print("ready", flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""


def following(reeve, callback="lambda n: None"):
    process = reeve.start(FOLLOW.format(callback=callback))
    assert line_of(process) == "ready"
    return process


def evaluate(process, text):
    tell(process, text)
    return line_of(process)


# ---- commands ----

def test_commands(fake):
    reeve = fake(threads=4)
    process = following(reeve, "lambda n: 1 // (n - 13)")
    connection = reeve.accept()
    assert connection.receive()["THREADS_OK"] == "4"
    assert connection.ask("PING=abc\n") == {"PONG": "abc"}
    assert connection.ask("SEQUENCE=5\nPING=x\n") == {"SEQUENCE": "5", "PONG": "x"}
    for _ in range(2):  # a command may come twice
        assert connection.ask("SEQUENCE=6\nTHREADS=9\n") == {"SEQUENCE": "6", "THREADS_OK": "9"}
    assert evaluate(process, "reeve.threads()") == "9"
    error = connection.ask("SEQUENCE=7\nTHREADS=13\n")
    assert error == {"SEQUENCE": "7", "ERROR": "THREADS=13: integer division or modulo by zero"}
    for wrong in ("0", "-1", "x", "", "99999", "\u0663"):
        assert connection.ask(f"THREADS={wrong}\n") == {"ERROR": "THREADS= must be between 1 and 65535"}
    assert connection.ask("GREENLETS=5\n") == {"ERROR": "this worker has no pool of greenlets"}
    assert connection.ask("SEQUENCE=8\nFUTURE=1\n") == {"SEQUENCE": "8", "ERROR": "unknown command FUTURE"}
    connection.socket.send(b"\xff\xfe\n=\nnonsense\n" + bytes(300))
    assert connection.ask("PING=1\n") == {"PONG": "1"}
    assert evaluate(process, "reeve.drain.wait(0)") == "False"
    assert evaluate(process, "reeve.drain.is_set()") == "False"
    assert connection.ask("SEQUENCE=9\nDRAIN=1\n") == {"SEQUENCE": "9"}
    assert evaluate(process, "reeve.drain.is_set()") == "True"


def test_nobody_follows(fake):
    """Told as an error, so that reeve falls back on another way; made good by a pool that comes."""
    reeve = fake(threads=2)
    process = reeve.start("""
import sys, reeve
reeve.attach()
sys.stdin.readline()
pool = reeve.ThreadPoolExecutor()
sys.stdin.readline()
""")
    connection = reeve.accept()
    assert "THREADS_OK" not in connection.receive()
    assert connection.ask("THREADS=6\n") == {"ERROR": "this worker has no pool of threads"}
    tell(process)
    assert connection.receive() == {"THREADS_OK": "6"}


def test_reeve_goes_and_comes_back(fake):
    reeve = fake(threads=2)
    process = following(reeve)
    connection = reeve.accept()
    connection.receive()
    assert connection.ask("THREADS=5\n") == {"THREADS_OK": "5"}
    reeve.go_away()
    connection.close()
    assert evaluate(process, "reeve.threads()") == "5"
    reeve.listen()
    connection = reeve.accept()
    assert connection.receive() == {"HELLO": "1", "PID": str(process.pid), "SDK": "python/0.1.0",
                                    "THREADS_OK": "5"}
    assert connection.ask("PING=2\n") == {"PONG": "2"}


def test_reeve_is_not_there_at_the_start(fake):
    reeve = fake()
    reeve.go_away()
    following(reeve)
    reeve.listen()
    assert reeve.accept().receive()["HELLO"] == "1"


# ---- without reeve ----

def test_stand_alone():
    import reeve
    assert (reeve.pool(), reeve.slot(), reeve.threads(), reeve.threads(7), reeve.greenlets()) \
        == (None, None, 1, 7, 0)
    assert not reeve.notify.ready()
    assert reeve.listeners() == {} and reeve.listener() is None
    assert not reeve.drain.wait(0)
    with reeve.register_thread(), reeve.task("alone"), reeve.waiting("io"):
        reeve.label("x")
        reeve.work(3)


def test_memory_that_is_none(fake):
    """A program that a worker executes has its environment, and something else as descriptor."""
    reeve = fake()
    with open("/dev/null", "rb") as other:
        process = reeve.start("import reeve, sys\npool = reeve.ThreadPoolExecutor(2)\n"
                              "print(sum(pool.map(int, range(10))), flush=True)\nsys.stdin.readline()",
                              environment={"REEVE_TELEMETRY_FD": str(other.fileno())},
                              pass_fds=[other.fileno()])
        assert line_of(process) == "45"
    reeve.listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        reeve.accept()


def test_memory_of_another_version(fake):
    reeve = fake()
    os.pwrite(reeve.memory, b"\x02", 8)
    process = reeve.start("import reeve\nprint(reeve.ThreadPoolExecutor().submit(int, 5).result())")
    assert line_of(process) == "5"
    assert reeve.read.attached_pid() is None


def test_a_longer_layout(fake):
    """Where things are is told by the header."""
    import fcntl
    import mmap
    import struct
    from reeve._telemetry import Telemetry

    fd = os.memfd_create("long", os.MFD_ALLOW_SEALING)
    size = 256 + 512 + 3 * 1024 + 2 * 192
    os.ftruncate(fd, size)
    os.pwrite(fd, struct.pack("=8s12I", b"REEVETEL", 1, size, 256, 256, 512, 768, 1024, 3, 3840, 192,
                              2, 0), 0)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    telemetry = Telemetry()
    assert telemetry.attach(fd)
    telemetry.submitted()
    telemetry.started(5, None)
    first, second = telemetry.claim(0), telemetry.claim(1)
    second.begin(77)
    assert telemetry.claim(0) is None
    with mmap.mmap(fd, size) as memory:
        assert struct.unpack_from("=2Q", memory, 256) == (1, 1)
        assert struct.unpack_from("=Q", memory, 768 + 1024 + 2 * 8) == (1,)
        assert struct.unpack_from("=Q", memory, 3840 + 192 + 16) == (77,)
    assert first.index == 0
    os.close(fd)


@pytest.mark.parametrize("field, value", [(20, 4), (20, 1 << 30), (24, 64), (44, 64), (48, 1 << 20)])
def test_layouts_that_cannot_be(field, value):
    import struct
    from reeve._telemetry import Telemetry
    fd = make_memory(2)
    os.pwrite(fd, struct.pack("=I", value), field)
    with pytest.raises(ValueError):
        Telemetry().attach(fd)
    os.close(fd)


# ---- own threads ----

def test_threads_of_the_program(fake):
    reeve = fake()
    process = reeve.start("""
import sys, reeve
def stop(word):
    print(word, flush=True)
    sys.stdin.readline()
with reeve.register_thread(kind="loop"):
    stop("registered")
    with reeve.task("GET /x"):
        stop("task")
        with reeve.waiting("io"):
            stop("io")
        with reeve.task("inner"):
            stop("inner")
        stop("back")
    reeve.work(12)
    try:
        with reeve.task("bad"):
            raise ValueError
    except ValueError:
        stop("failed")
stop("left")
with reeve.task("by itself"):
    stop("again")
""")

    def at(word):
        assert line_of(process) == word
        slot = reeve.read.thread(0)
        tell(process)
        return slot

    registered = at("registered")
    assert (registered["state"], registered["kind"], registered["tid"]) == ("idle", 2, process.pid)
    task = at("task")
    assert (task["state"], task["label"]) == ("busy", "GET /x")
    assert at("io")["state"] == "io"
    inner = at("inner")
    assert (inner["state"], inner["label"], inner["tasks"]) == ("busy", "inner", 0)
    assert inner["io_nsec"] > 0
    assert at("back")["label"] == "GET /x"
    failed = at("failed")
    assert (failed["state"], failed["label"], failed["tasks"]) == ("idle", "", 2)
    assert at("left")["state"] == "free"
    assert line_of(process) == "again"
    again, totals = reeve.read.thread(0), reeve.read.totals()  # it stands still until it is told
    assert (again["state"], again["label"], again["kind"], again["tasks"]) == ("busy", "by itself", 1, 2)
    assert (totals["done"], totals["failed"], totals["work_units"]) == (1, 1, 12)
    assert totals["io_wait_nsec"] == failed["io_nsec"]


# ---- forks and ends ----

def test_a_fork_is_not_the_worker(fake):
    reeve = fake(threads=2)
    process = reeve.start("""
import os, sys, reeve
pool = reeve.ThreadPoolExecutor()
pool.submit(int, 1).result()
child = os.fork()
if child == 0:
    assert sum(pool.map(int, range(10))) == 45
    with reeve.task("child"):
        reeve.label("nowhere")
        reeve.work(100)
    assert reeve.ThreadPoolExecutor(1).submit(int, 7).result() == 7
    os._exit(0 if not reeve._worker.worker.is_live else 1)
assert os.waitpid(child, 0)[1] == 0
pool.submit(int, 1).result()
print("ok", flush=True)
sys.stdin.readline()
""")
    connection = reeve.accept()
    assert connection.receive()["PID"] == str(process.pid)
    assert line_of(process) == "ok"
    assert connection.ask("PING=1\n") == {"PONG": "1"}
    totals = reeve.read.totals()
    assert (totals["done"], totals["work_units"]) == (2, 0)
    assert reeve.read.attached_pid() == process.pid


def test_a_fork_of_a_worker_without_telemetry(fake):
    """The control connection alone makes a worker, too."""
    reeve = fake(threads=2)
    process = reeve.start("""
import os, reeve
pool = reeve.ThreadPoolExecutor()
child = os.fork()
if child == 0:
    reeve.attach()
    reeve.on_threads(print)
    os._exit(1 if reeve._worker.worker.is_live else 0)
print(os.waitpid(child, 0)[1], flush=True)
""", environment={"REEVE_TELEMETRY_FD": ""})
    assert reeve.accept().receive()["PID"] == str(process.pid)
    assert line_of(process) == "0"


def test_who_forks_before_attaching(fake):
    """A server that forks and serves in the child: the child is the worker."""
    reeve = fake(threads=2)
    process = reeve.start("""
import os, sys, reeve
assert reeve.threads() == 2
child = os.fork()
if child == 0:
    pool = reeve.ThreadPoolExecutor()
    print(os.getpid(), flush=True)
    sys.stdin.readline()
    os._exit(0)
os.waitpid(child, 0)
""")
    pid = line_of(process)
    assert reeve.accept().receive()["PID"] == pid
    assert str(reeve.read.attached_pid()) == pid


def test_one_process_at_a_time(fake):
    """The second waits for the end of the first, and goes on with its counts."""
    reeve = fake(threads=2)
    script = """
import os, sys, reeve
pool = reeve.ThreadPoolExecutor()
print(sum(pool.map(int, range(5))), flush=True)
sys.stdin.readline()
pool.submit(int).result()
print("more", flush=True)
sys.stdin.readline()
"""
    first = reeve.start(script)
    assert line_of(first) == "10"
    connection = reeve.accept()
    assert connection.receive()["PID"] == str(first.pid)
    second = reeve.start(script)
    assert line_of(second) == "10"
    assert reeve.read.attached_pid() == first.pid
    assert reeve.read.totals()["done"] == 5
    first.send_signal(signal.SIGKILL)
    assert connection.receive() is None
    assert reeve.accept().receive()["PID"] == str(second.pid)
    assert reeve.read.attached_pid() == second.pid
    reeve.read.await_that(lambda read: read.totals()["threads_live"] == 2)
    tell(second)
    assert line_of(second) == "more"
    assert reeve.read.totals()["done"] == 6


def test_the_end_of_the_process(fake):
    """What was accepted is done, slots are free, the connection closes, and the exit is clean."""
    reeve = fake(threads=2)
    process = reeve.start("""
import threading, time, reeve
shown = reeve.register_thread()
shown.__enter__()
pool = reeve.ThreadPoolExecutor()
for _ in range(20):
    pool.submit(time.sleep, 0.01)
""", stderr=-1)
    connection = reeve.accept()
    while connection.receive() is not None:
        pass
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert reeve.read.totals()["done"] == 20
    assert reeve.read.living() == []


# ---- notify and listeners ----

def test_notify(fake):
    reeve = fake()
    process = following(reeve)
    for call, told in [
            ("ready()", {"READY": "1"}), ("ready('a\\nb')", {"READY": "1", "STATUS": "a b"}),
            ("stopping()", {"STOPPING": "1"}), ("status('w\u00e4rm')", {"STATUS": "w\u00e4rm"}),
            ("watchdog()", {"WATCHDOG": "1"}), ("main_pid(42)", {"MAINPID": "42"}),
            ("extend_timeout(1.5)", {"EXTEND_TIMEOUT_USEC": "1500000"})]:
        assert evaluate(process, f"reeve.notify.{call}") == "True"
        assert reeve.told() == told
    assert evaluate(process, "reeve.notify.reloading()") == "True"
    assert set(reeve.told()) == {"RELOADING", "MONOTONIC_USEC"}


def test_notify_by_an_abstract_name(monkeypatch):
    import reeve
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0reeve-sdk-{os.getpid()}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@reeve-sdk-{os.getpid()}")
        assert reeve.notify.ready()
        assert receiver.recv(100) == b"READY=1\n"
    assert not reeve.notify.ready()


@pytest.mark.parametrize("usec, pid, seconds", [
    ("1500000", "", 1.5), ("1500000", "ours", 1.5), ("1500000", "1", None), ("", "", None),
    ("x", "", None)])
def test_watchdog_seconds(monkeypatch, usec, pid, seconds):
    import reeve
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "ours" else pid)
    assert reeve.notify.watchdog_seconds() == seconds


LISTENERS = """
import os, sys, reeve
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.environ.update(LISTEN_PID=sys.argv[3] or str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="web:web")
found = reeve.listeners()
print({name: [one.getsockname() for one in sockets] for name, sockets in found.items()},
      reeve.listener("other"), reeve.listener() is reeve.listeners().get("web", [None])[0], flush=True)
"""


def test_listeners(fake):
    reeve = fake()
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        descriptors = [one.fileno(), two.fileno()]
        process = reeve.start(LISTENERS, *descriptors, "", pass_fds=descriptors)
        names = [one.getsockname(), two.getsockname()]
        assert line_of(process) == f"{ {'web': names} } None True"
        # Those of another process are not ours.
        process = reeve.start(LISTENERS, *descriptors, "1", pass_fds=descriptors)
        assert line_of(process) == "{} None True"
