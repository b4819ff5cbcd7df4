"""The pool of greenlets: its size follows, and what it does is told."""

import pytest
from fake_reeve import line_of, tell

# Standard input is read by the hub's threads, so that the loop goes on meanwhile.
WORKER = """
{patch}
import sys, gevent, reeve
from gevent.event import Event
from gevent.lock import Semaphore
pool = reeve.GreenletPool({arguments})
gate = Semaphore(0)
def work():
    reeve.label("at the gate")
    gate.acquire()
def feed():
    for _ in range({tasks}):
        pool.spawn(work)
feeder = gevent.spawn(feed)
stdin = gevent.get_hub().threadpool
print("ready", flush=True)
for line in iter(lambda: stdin.apply(sys.stdin.readline), ""):
    word, _, count = line.partition(" ")
    if word == "open":
        for _ in range(int(count)):
            gate.release()
    else:
        feeder.join()
        pool.join()
        print(len(pool), flush=True)
"""
PATCH = "from gevent import monkey; monkey.patch_all()"


def start(reeve, tasks, patch="", arguments=""):
    process = reeve.start(WORKER.format(tasks=tasks, patch=patch, arguments=arguments))
    assert line_of(process) == "ready"
    return process, reeve.accept()


def await_live(reeve, count):
    reeve.read.await_that(lambda read: read.totals()["greenlets_live"] == count)


@pytest.mark.parametrize("patch", ["", PATCH], ids=["plain", "patched"])
def test_size_follows(fake, patch):
    reeve = fake(threads=1, greenlets=5)
    process, connection = start(reeve, 50, patch)
    assert connection.receive()["GREENLETS_OK"] == "5"
    await_live(reeve, 5)
    assert reeve.read.thread(0)["kind"] == 2 and reeve.read.thread(0)["state"] == "busy"
    assert connection.ask("SEQUENCE=1\nGREENLETS=20\n") == {"SEQUENCE": "1", "GREENLETS_OK": "20"}
    await_live(reeve, 20)
    assert connection.ask("GREENLETS=3\n") == {"GREENLETS_OK": "3"}
    reeve.read.await_that(lambda read: read.totals()["greenlets_wanted"] == 3)
    tell(process, "open 17")
    await_live(reeve, 3)
    tell(process, "open 10")  # thirteen of fifty have come and ten go: three at a time
    reeve.read.await_that(lambda read: read.totals()["done"] == 27)
    await_live(reeve, 3)
    assert connection.ask("GREENLETS=4\n") == {"GREENLETS_OK": "4"}
    await_live(reeve, 4)
    tell(process, "open 100")
    tell(process, "end")
    assert line_of(process) == "0"
    totals = reeve.read.totals()
    assert (totals["submitted"], totals["started"], totals["done"]) == (50, 50, 50)
    assert reeve.read.thread(0)["state"] == "idle"


def test_a_bound_comes_later(fake):
    reeve = fake(threads=1, greenlets=0)
    process, connection = start(reeve, 8)
    assert "GREENLETS_OK" not in connection.receive()
    await_live(reeve, 8)
    assert connection.ask("GREENLETS=2\n") == {"GREENLETS_OK": "2"}
    tell(process, "open 8")
    tell(process, "end")
    assert line_of(process) == "0"


def test_without_reeve(fake):
    process = fake().start("""
import gevent, reeve
pool = reeve.GreenletPool(2)
assert pool.map(int, "123") == [1, 2, 3]
pool.resize(5)
assert pool.free_count() == 5
failed = pool.spawn(int, 5)
failed.join()
pool.resize(1)
assert pool.imap_unordered(int, "12") is not None and pool.size == 1
print("ok")
""", environment={"REEVE_CONTROL_SOCKET": "", "REEVE_TELEMETRY_FD": "", "REEVE_GREENLETS": ""})
    assert line_of(process) == "ok"
