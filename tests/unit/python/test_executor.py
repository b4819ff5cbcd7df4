"""The pool of threads: its size, its queue, and what it tells. As a worker of a fake reeved."""

import pytest
from fake_reeve import PATIENCE, line_of, tell

# Tasks stop at a gate that the test opens by a line on standard input.
GATED = """
import sys, threading, reeve
pool = reeve.ThreadPoolExecutor({arguments})
gate = threading.Semaphore(0)
def work(name):
    reeve.label(name)
    gate.acquire()
    return threading.get_native_id()
futures = [pool.submit(work, f"task {{i}}") for i in range({tasks})]
print("ready", flush=True)
for line in sys.stdin:
    if line.startswith("open"):
        gate.release(int(line.split()[1]))
    elif line.startswith("more"):
        futures += [pool.submit(work, "more") for _ in range(int(line.split()[1]))]
        print("more", flush=True)
    elif line.startswith("all"):
        gate.release(len(futures))
        pool.shutdown()
        print(len({{future.result() for future in futures}}), flush=True)
"""


def gated(reeve, tasks, arguments=""):
    process = reeve.start(GATED.format(tasks=tasks, arguments=arguments))
    assert line_of(process) == "ready"
    return process, reeve.accept()


def states(read):
    return sorted(slot["state"] for slot in read.living())


def test_threads_are_there_from_the_start(fake):
    reeve = fake(threads=4)
    process, connection = gated(reeve, 0)
    assert connection.receive() == {"HELLO": "1", "PID": str(process.pid), "SDK": "python/0.1.0",
                                    "THREADS_OK": "4"}
    reeve.read.await_that(lambda read: states(read) == ["idle"] * 4)
    totals = reeve.read.totals()
    assert (totals["threads_wanted"], totals["threads_live"], totals["slots_used"]) == (4, 4, 4)
    assert reeve.read.attached_pid() == process.pid
    tids = {slot["tid"] for slot in reeve.read.living()}
    assert len(tids) == 4 and process.pid not in tids


def test_growing_is_at_once(fake):
    reeve = fake(threads=1, room=64)
    _, connection = gated(reeve, 40)
    connection.receive()
    reeve.read.await_that(lambda read: read.totals()["queue_length"] == 39)
    assert connection.ask("SEQUENCE=7\nTHREADS=32\n") == {"SEQUENCE": "7", "THREADS_OK": "32"}
    # Those that wait in the queue are taken by the new threads.
    reeve.read.await_that(lambda read: states(read) == ["busy"] * 32
                          and read.totals()["queue_length"] == 8)
    assert reeve.read.totals()["queue_high_water"] >= 39


def test_shrinking_waits_for_the_end_of_tasks(fake):
    reeve = fake(threads=8)
    process, connection = gated(reeve, 5)
    connection.receive()
    reeve.read.await_that(lambda read: states(read).count("busy") == 5)
    assert connection.ask("THREADS=2\n") == {"THREADS_OK": "2"}
    # The idle ones go now, the busy ones stay until their task has ended.
    reeve.read.await_that(lambda read: states(read) == ["busy"] * 5)
    tell(process, "open 3")
    reeve.read.await_that(lambda read: states(read) == ["busy"] * 2)
    tell(process, "all")
    assert line_of(process) == "5"
    assert reeve.read.totals()["done"] == 5


def test_nothing_is_lost_while_the_size_changes(fake):
    reeve = fake(threads=4, room=64)
    process = reeve.start("""
import sys, reeve
pool = reeve.ThreadPoolExecutor()
print("ready", flush=True)
done = []
while not reeve.drain.is_set():
    done.append(sum(pool.map(int, range(100))))
assert set(done) == {4950}, done
print(len(done) * 100, flush=True)
pool.shutdown()
sys.stdin.readline()
""")
    assert line_of(process) == "ready"
    connection = reeve.accept()
    connection.receive()
    for round_number in range(60):
        wanted = (1, 16, 3, 40, 8)[round_number % 5]
        answer = connection.ask(f"SEQUENCE={round_number}\nTHREADS={wanted}\n")
        assert answer == {"SEQUENCE": str(round_number), "THREADS_OK": str(wanted)}
    assert connection.ask("SEQUENCE=9\nDRAIN=1\n") == {"SEQUENCE": "9"}
    count = int(line_of(process))
    totals = reeve.read.totals()
    assert totals["submitted"] == totals["started"] == totals["done"] == count
    assert sum(reeve.read.histogram("service")) == sum(reeve.read.histogram("queue_wait")) == count
    assert sum(slot["tasks"] for slot in reeve.read.slots()) == count
    # After shutdown nobody is there.
    reeve.read.await_that(lambda read: not read.living() and read.totals()["threads_live"] == 0)


def test_what_is_told_of_a_task(fake):
    reeve = fake(threads=1)
    process, connection = gated(reeve, 2)
    connection.receive()
    reeve.read.await_that(lambda read: states(read) == ["busy"] and read.thread(0)["label"])
    slot, totals = reeve.read.thread(0), reeve.read.totals()
    assert (slot["label"], slot["kind"], slot["tasks"]) == ("task 0", 0, 0)
    assert slot["start"] == slot["since"] > 0
    assert (totals["submitted"], totals["started"], totals["queue_length"]) == (2, 1, 1)
    tell(process, "open 1")
    reeve.read.await_that(lambda read: read.thread(0)["label"] == "task 1")
    assert reeve.read.thread(0)["start"] > slot["start"]
    assert reeve.read.totals()["queue_wait_nsec"] > 0
    tell(process, "all")
    line_of(process)
    totals = reeve.read.totals()
    assert totals["done"] == 2
    assert totals["service_nsec"] == reeve.read.thread(0)["busy_nsec"] > 0
    assert reeve.read.thread(0)["label"] == ""


def test_failures_and_given_up_tasks_are_told_apart(fake):
    reeve = fake(threads=1)
    process = reeve.start("""
import sys, threading, reeve
pool = reeve.ThreadPoolExecutor()
gate = threading.Event()
first = pool.submit(gate.wait)
failed, given_up = pool.submit(int, "x"), pool.submit(int, "1")
assert given_up.cancel()
gate.set()
assert isinstance(failed.exception(), ValueError)
assert first.result() is True
pool.shutdown()
try:
    pool.submit(int)
except RuntimeError:
    print("refused", flush=True)
sys.stdin.readline()
""")
    assert line_of(process) == "refused"
    totals = reeve.read.totals()
    assert [totals[name] for name in ("submitted", "started", "done", "failed", "timed_out", "rejected",
                                      "queue_length")] == [3, 2, 1, 1, 1, 1, 0]


def test_a_bounded_queue_holds_back_who_submits(fake):
    reeve = fake(threads=1)
    process, connection = gated(reeve, 3, arguments="queue_size=2")
    connection.receive()
    assert reeve.read.totals()["queue_capacity"] == 2
    tell(process, "more 1")
    tell(process, "open 1")  # is not read before there is room
    assert reeve.read.totals()["submitted"] == 3
    assert connection.ask("THREADS=2\n") == {"THREADS_OK": "2"}
    assert line_of(process) == "more"
    tell(process, "all")
    assert int(line_of(process)) >= 1
    assert reeve.read.totals()["done"] == 4


def test_a_pool_that_does_not_follow(fake):
    reeve = fake(threads=3)
    process = reeve.start("""
import sys, reeve
main, side = reeve.ThreadPoolExecutor(), reeve.ThreadPoolExecutor(2, follow=False)
print("ready", flush=True)
sys.stdin.readline()
print(main._max_workers, side._max_workers, reeve.threads(), reeve.ThreadPoolExecutor(1)._max_workers,
      flush=True)
""")
    assert line_of(process) == "ready"
    connection = reeve.accept()
    assert connection.receive()["THREADS_OK"] == "3"
    assert connection.ask("THREADS=5\n") == {"THREADS_OK": "5"}
    tell(process)
    assert line_of(process) == "5 2 5 5"


def test_a_task_that_submits_does_not_wait_for_itself():
    import reeve
    with reeve.ThreadPoolExecutor(1, queue_size=1) as pool:
        def task():
            return [pool.submit(int, i) for i in range(5)]
        assert [future.result() for future in pool.submit(task).result()] == list(range(5))


def test_resizing_without_reeve():
    import reeve
    with reeve.ThreadPoolExecutor(1) as pool:
        assert pool.submit(int, 1).result() == 1
        pool.resize(3)
        assert list(pool.map(int, range(10))) == list(range(10))
        pool.resize(1)
        assert list(pool.map(int, range(10))) == list(range(10))
        with pytest.raises(ValueError):
            pool.resize(0)


def test_an_executor_in_a_cycle_ends_its_threads():
    """Nobody holds it but itself, so only the collector finds it."""
    import gc
    import reeve
    pool = reeve.ThreadPoolExecutor(2)
    pool.itself = pool
    future, threads = pool.submit(int, 5), list(pool._threads)
    del pool
    gc.collect()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert future.result() == 5


def test_fewer_threads_than_asked_at_the_start(monkeypatch):
    import threading
    import reeve
    from reeve._executor import Crew
    start, started = threading.Thread.start, []

    def refuse(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    crew = Crew(4, "few", None, (), 0, True)
    assert crew.live == 2 and len(crew.threads) == 2
    crew.close()
    for thread in started:
        thread.join(PATIENCE)
    with reeve.ThreadPoolExecutor(2) as pool, pytest.raises(RuntimeError):
        pool.submit(int)


@pytest.mark.parametrize("arguments", [{"max_workers": 0}, {"queue_size": -1}])
def test_arguments_that_cannot_be(arguments):
    import reeve
    with pytest.raises(ValueError):
        reeve.ThreadPoolExecutor(**arguments)


def test_the_system_has_no_more_threads(fake):
    """What could be had is there and works on, and reeve is told."""
    reeve = fake(threads=2, room=512)
    process = reeve.start("""
import sys, threading, reeve
pool = reeve.ThreadPoolExecutor()
start = threading.Thread.start
def refuse(self):
    if pool._crew.live > 6:
        raise RuntimeError("can't start new thread")
    start(self)
threading.Thread.start = refuse
print("ready", flush=True)
sys.stdin.readline()
print(sum(pool.map(int, range(100))), flush=True)
""")
    assert line_of(process) == "ready"
    connection = reeve.accept()
    connection.receive()
    answer = connection.ask("SEQUENCE=1\nTHREADS=9\n")
    assert answer == {"SEQUENCE": "1", "ERROR": "THREADS=9: can't start new thread"}
    reeve.read.await_that(lambda read: len(read.living()) == 6)
    tell(process)
    assert line_of(process) == "4950"


def test_more_threads_than_there_is_room(fake):
    reeve = fake(threads=8, room=3)
    process, connection = gated(reeve, 8)
    connection.receive()
    tell(process, "all")
    line_of(process)
    totals = reeve.read.totals()
    assert (totals["done"], totals["slots_used"]) == (8, 3)
