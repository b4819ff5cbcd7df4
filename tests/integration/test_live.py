"""ThreadControl=live: threads change in number while their processes run."""

import os
import signal
import sys

import pytest

from client import wait_seen
from reeve import pool, word, worker

LIVE = {"ThreadControl": "live", "ProcessesMax": 16, "ThreadsMax": 64}

# Says READY=1 and hello, and answers every question for threads with what it is given; "-" not at
# all. With a FIFO it says hello only when somebody writes to that.
STRANGER = """
import os, socket, sys
answer = sys.argv[1]
control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
for fifo in sys.argv[2:]:
    open(fifo).read()
control.connect(os.environ["REEVE_CONTROL_SOCKET"])
control.send(b"HELLO=1\\n")
while True:
    question = control.recv(4096).decode()
    if not question:
        break
    sequence = [line for line in question.split("\\n") if line.startswith("SEQUENCE=")][0]
    if answer != "-":
        control.send((sequence + "\\n" + answer + "\\n").encode())
"""

# Fills its telemetry with noise, then waits.
VANDAL = """
import mmap, os, random, signal, socket
fd = int(os.environ["REEVE_TELEMETRY_FD"])
memory = mmap.mmap(fd, os.fstat(fd).st_size)
memory[:] = random.Random(1).randbytes(len(memory))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
"""


@pytest.fixture
def start(reeve, tmp_path):
    """A pool `w` of workers of the SDK, sampled often, and the pipe that they obey."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def start(processes, threads, **keys):
        daemon = reeve({"w": pool(f"{worker('sdk')} {word(fifo)}", Type="notify",
                                  scale={**LIVE, "Processes": processes, "Threads": threads},
                                  **keys)}, conf={"SampleIntervalSec": "50ms"})
        daemon.wait_ready_pids("w", processes)
        wait_connected(daemon, processes, threads)
        daemon.say = lambda commands: fifo.write_bytes(commands.encode())
        return daemon
    return start


def telemetry(daemon):
    return [row["telemetry"] for row in daemon.workers("w")]


def wait_connected(daemon, processes, threads):
    """All of them tell of so many threads; they connect before they start the first."""
    wait_seen(lambda: [row and row.get("threads_live") for row in telemetry(daemon)]
                      == [threads] * processes)


@pytest.fixture
def script(tmp_path):
    def script(text, *arguments):
        (tmp_path / "script.py").write_text(text)
        return " ".join([sys.executable, word(tmp_path / "script.py"), *arguments])
    script.folder = tmp_path
    return script


@pytest.mark.parametrize("threads", [8, 1])
def test_only_threads_change(start, threads):
    daemon = start(2, 3)
    pids = daemon.pids("w")
    reply = daemon.scale("w", {"threads": threads}).json
    assert reply["state"] == "done"
    assert (reply["kept"], reply["started"], reply["stopped"]) == (pids, [], [])
    wait_connected(daemon, 2, threads)
    assert daemon.pids("w") == pids
    wait_seen(lambda: daemon.pool("w")["threads"]
              == {"live": 2 * threads, "wanted": 2 * threads, "busy": 0})
    assert daemon.pool("w")["scale"]["threads"] == threads


def test_processes_to_threads_and_back(start):
    """Capacity first: who stays gets threads before the others go, and keeps them until the others
    are there."""
    daemon = start(4, 1)
    first = daemon.pids("w")[0]
    with daemon.events() as events:
        assert daemon.ctl("scale", "w", "--mode", "threads")
        grown = events.wait("worker.state", pool="w", slot=0)
        assert grown["detail"]["threads"] == 4
        assert len(daemon.pids("w")) == 4 or events.wait("worker.exited", pool="w")["id"] > grown["id"]
    assert daemon.wait_ready_pids("w", 1) == [first]
    wait_connected(daemon, 1, 4)
    assert daemon.ctl("scale", "w", "--mode", "processes")
    assert daemon.wait_ready_pids("w", 4)[0] == first
    wait_connected(daemon, 4, 1)


def test_busy_threads_finish_what_they_do(start):
    daemon = start(1, 4)
    pids = daemon.pids("w")
    daemon.say("bbbb")
    wait_seen(lambda: telemetry(daemon)[0]["threads_busy"] == 4)
    wait_seen(lambda: daemon.workers("w")[0]["busy"] == 4)
    assert daemon.scale("w", {"threads": 1}).json["state"] == "done"
    daemon.say("rrrr")
    wait_seen(lambda: telemetry(daemon)[0]["tasks_done"] == 4)
    wait_connected(daemon, 1, 1)
    assert daemon.pids("w") == pids and telemetry(daemon)[0]["tasks_failed"] == 0


def test_what_a_killed_worker_had_begun_is_counted(start):
    daemon = start(1, 2)
    daemon.say("tb")
    wait_seen(lambda: telemetry(daemon)[0]["threads_busy"] == 1)
    first = daemon.pids("w")
    os.kill(first[0], signal.SIGKILL)
    wait_seen(lambda: daemon.pids("w") not in ([], first))
    wait_connected(daemon, 1, 2)
    assert telemetry(daemon)[0]["lost_tasks"] == 1 and telemetry(daemon)[0]["tasks_done"] == 0


def test_what_a_thread_had_begun_that_vanished_is_counted(start):
    """Its process goes on, with the other thread."""
    daemon = start(1, 2)
    first = daemon.pids("w")
    with daemon.events() as events:
        daemon.say("x")
        told = events.wait_until(lambda: telemetry(daemon)[0]["lost_tasks"] == 1)
    assert told and daemon.pids("w") == first
    wait_seen(lambda: telemetry(daemon)[0]["threads_busy"] == 0)
    daemon.say("tt")
    wait_seen(lambda: telemetry(daemon)[0]["tasks_done"] == 2)
    assert telemetry(daemon)[0]["lost_tasks"] == 1
    os.kill(first[0], signal.SIGKILL)
    wait_seen(lambda: daemon.pids("w") not in ([], first))
    wait_connected(daemon, 1, 2)
    assert telemetry(daemon)[0]["lost_tasks"] == 1  # not twice


def test_recycled_by_the_tasks_that_telemetry_counts(start):
    daemon = start(1, 2, MaxRequests=3)
    first = daemon.pids("w")
    with daemon.events() as events:
        daemon.say("ttt")
        assert events.wait("worker.recycled", pool="w")["detail"]["tasks_done"] == 3
        events.wait_until(lambda: daemon.pids("w") and daemon.pids("w") != first)


def test_scaled_before_it_has_connected(reeve, script):
    """It says READY=1 first."""
    fifo = script.folder / "go"
    os.mkfifo(fifo)
    daemon = reeve({"w": pool(script(STRANGER, "THREADS_OK=5", word(fifo)), Type="notify",
                              scale=LIVE)})
    pids = daemon.wait_ready_pids("w", 1)
    accepted = daemon.api.patch("/v1/pools/w/scale", {"threads": 5})
    assert accepted.status == 202
    fifo.write_bytes(b"x")
    daemon.ctl("wait", "w")
    assert daemon.pids("w") == pids
    assert daemon.api.get(f"/v1/workers/{pids[0]}").json["threads_wanted"] == 5


def test_a_rolling_restart_replaces_them(start):
    daemon = start(2, 2)
    pids = daemon.pids("w")
    daemon.ctl("restart", "--rolling", "w")
    assert not set(pids) & set(daemon.wait_ready_pids("w", 2))


def test_after_a_crash_of_reeved_it_connects_again(start):
    daemon = start(2, 2)
    pids = daemon.pids("w")
    daemon.say("t")
    wait_seen(lambda: sum(row["tasks_done"] for row in telemetry(daemon)) == 1)
    daemon.crash()
    daemon.start()
    wait_connected(daemon, 2, 2)
    assert sum(row["tasks_done"] for row in telemetry(daemon)) == 1
    assert daemon.wait_ready_pids("w", 2) == pids
    assert daemon.scale("w", {"threads": 5}).json["stopped"] == []
    wait_connected(daemon, 2, 5)
    assert daemon.pids("w") == pids


@pytest.mark.parametrize("answer", ["ERROR=no", "THREADS_OK=7", "-"])
def test_a_worker_that_does_not_follow_is_replaced(reeve, script, answer):
    daemon = reeve({"w": pool(script(STRANGER, answer), Type="notify", scale=LIVE)})
    first = daemon.wait_ready_pids("w", 1)
    with daemon.events() as events:
        assert daemon.scale("w", {"threads": 3}).json["state"] == "done"
        assert events.wait("worker.state", pool="w", slot=0)["detail"]["error"]
    assert daemon.wait_ready_pids("w", 1) != first


def test_a_worker_that_never_connects_is_replaced(reeve):
    daemon = reeve({"w": pool(worker("pause"), scale=LIVE)})
    first = daemon.wait_ready_pids("w", 1)
    assert daemon.scale("w", {"threads": 3}).json["state"] == "done"
    assert daemon.wait_ready_pids("w", 1) != first
    assert telemetry(daemon)[0] == {"state": "awaited", "lost_tasks": 0}
    assert daemon.pool("w")["threads"]["live"] is None


def test_t30_noise_in_the_telemetry(reeve, script):
    daemon = reeve({"w": pool(script(VANDAL), Type="notify", scale=LIVE)},
                   conf={"SampleIntervalSec": "20ms"})
    daemon.wait_ready_pids("w", 1)
    wait_seen(lambda: telemetry(daemon)[0]["state"] == "invalid")
    wait_seen(lambda: daemon.workers("w")[0]["rss_bytes"])
    assert daemon.workers("w")[0]["busy"] is None


def test_others_get_neither(reeve, tmp_path):
    path = tmp_path / "environment"
    command = f"/bin/sh -c 'env >{path}.new; mv {path}.new {path}; exec sleep 1000'"
    daemon = reeve({"w": pool(command)})
    daemon.wait_state("w")
    wait_seen(path.exists)
    text = path.read_text()
    assert "REEVE_POOL=w" in text
    assert "REEVE_TELEMETRY_FD" not in text and "REEVE_CONTROL_SOCKET" not in text
    assert telemetry(daemon) == [None]


def test_concurrency_is_the_mean_of_busy_threads(start):
    daemon = start(2, 4)
    daemon.say("bbb")  # three tasks, which wait at a gate

    def concurrency():
        return daemon.api.get("/v1/pools/w").json["concurrency"] or 0

    wait_seen(lambda: 2.5 < concurrency() <= 3)
    daemon.say("rrr")
    wait_seen(lambda: concurrency() < 2.5)
