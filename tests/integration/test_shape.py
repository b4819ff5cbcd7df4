"""Changes of shape: make before break, also when workers are killed in their midst."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time

import pytest
from client import wait_seen
from reeve import BUILD, PYTHON, pool, word, worker

LATE = """
import os, signal, socket, sys
if os.environ["REEVE_SLOT"] != "0":
    open(sys.argv[1]).read()
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
"""

GRIDS = [(1, 8), (8, 1), (4, 4), (2, 16), (3, 2), (6, 3), (1, 1), (5, 6)]


class Witness:
    """tests/workers/witness.c beside a pool: it looks a thousand times a second."""

    def __init__(self, daemon, name):
        self.process = subprocess.Popen(
            [BUILD / "tests/workers/witness", str(daemon.pid), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def floor(self, *grids):
        """Of several grids each number's least is promised."""
        workers = min(processes for processes, _ in grids)
        threads = min(processes * threads for processes, threads in grids)
        assert self.say(f"floor {workers} {threads}") == "yes\n"

    def killed(self, pid, *grids):
        """Before it is done."""
        assert self.say(f"killed {pid} {max(threads for _, threads in grids)}") == "yes\n"

    def end(self):
        return json.loads(self.say("end"))


@contextlib.contextmanager
def witness_of(daemon, name="w"):
    witness = Witness(daemon, name)
    try:
        yield witness
    finally:
        witness.process.stdin.close()
        witness.process.stdout.close()
        witness.process.wait()


@pytest.fixture
def start(reeve, tmp_path):
    def start(grid, control="live", **keys):
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        daemon = reeve({"w": pool(f"{worker('sdk')} {word(fifo)}", Type="notify", RestartSec="20ms",
                                  RestartMaxDelaySec="50ms",
                                  StartLimitBurst=1000,
                                  scale={"ThreadControl": control, "Processes": grid[0],
                                         "Threads": grid[1], "ProcessesMax": 16, "ThreadsMax": 64},
                                  **keys)}, conf={"SampleIntervalSec": "20ms"})
        wait_grid(daemon, grid)
        return daemon
    return start


def shape(daemon):
    """Threads of each ready worker, as it tells itself; None: somebody is not ready."""
    wanted, rows = daemon.pool("w")["scale"]["threads"], daemon.workers("w")
    if not all(row["ready"] for row in rows):
        return None
    return [(row["telemetry"] or {"threads_live": wanted}).get("threads_live")
            for row in rows]


def wait_grid(daemon, grid):
    wait_seen(lambda: shape(daemon) == [grid[1]] * grid[0])


def change(daemon, grid):
    """The operation, under way."""
    reply = daemon.api.patch("/v1/pools/w/scale", {"processes": grid[0], "threads": grid[1]})
    assert reply.status in (200, 202), reply.body
    return reply.json["operation"]


def ended(daemon, operation):
    found = daemon.api.get(f"/v1/operations/{operation}").json
    return found if found["state"] != "running" else None


def kill_one(daemon, witness, dice, *grids):
    """One of those that are there at this moment, ready or not; it may have left already. reeved
    has noticed when this returns."""
    pid = dice.choice(daemon.pids("w") or [None])
    if not pid:
        return
    witness.killed(pid, *grids)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    wait_seen(lambda: pid not in daemon.pids("w"))


def run_changes(daemon, rounds, dice, kills=False, overtakes=False):
    """@kills: one worker in each change, at any moment of it; @overtakes: another change comes before
    it has ended"""
    now, outcomes = (2, 4), []
    with witness_of(daemon) as witness:
        witness.floor(now)
        for _ in range(rounds):
            then = dice.choice([grid for grid in GRIDS if grid != now])
            grids = [now, then]
            witness.floor(*grids)
            operation = change(daemon, then)
            if overtakes:
                time.sleep(dice.uniform(0, 0.03))  # when it comes is left to chance
                then = dice.choice(GRIDS)
                grids.append(then)
                witness.floor(*grids)
                operation = change(daemon, then) or operation
            if kills:
                time.sleep(dice.uniform(0, 0.06))  # where it hits is left to chance
                kill_one(daemon, witness, dice, *grids)
            outcome = wait_seen(lambda: ended(daemon, operation))
            assert outcome["state"] in ("done", "rolled-back")
            now = then if outcome["state"] == "done" else now
            outcomes.append(outcome["state"])
            wait_grid(daemon, now)
        seen = witness.end()
    assert seen["violations"] == 0, seen
    assert seen["looks"] > rounds
    return outcomes


@pytest.mark.parametrize("control", ["live", "replace"])
def test_never_less_than_promised(start, control):
    daemon = start((2, 4), control)
    assert set(run_changes(daemon, 8, random.Random())) == {"done"}


@pytest.mark.parametrize("control", ["live", "replace"])
def test_overtaken_in_the_midst(start, control):
    daemon = start((2, 4), control)
    assert set(run_changes(daemon, 8, random.Random(), overtakes=True)) == {"done"}


def test_new_workers_that_fail_leave_the_old_shape(reeve, tmp_path):
    """Nobody has lost a thread, since new processes were to be ready first."""
    os.mkfifo(tmp_path / "fifo")
    only_one = f"[ $REEVE_SLOT = 0 ] && exec {worker('sdk')} {word(tmp_path / 'fifo')}; exit 7"
    daemon = reeve({"w": pool(f"/bin/sh -c '{only_one}'", Type="notify", RestartSec="10ms",
                              scale={"ThreadControl": "live", "Processes": 1, "Threads": 8,
                                     "ProcessesMax": 8})}, conf={"SampleIntervalSec": "20ms"})
    wait_grid(daemon, (1, 8))
    pids = daemon.pids("w")
    with witness_of(daemon) as witness:
        witness.floor((1, 8))
        reply = daemon.scale("w", {"mode": "processes"}).json
        assert witness.end()["violations"] == 0
    assert reply["state"] == "rolled-back" and "7" in reply["error"]["detail"]
    wait_grid(daemon, (1, 8))
    assert daemon.pids("w") == pids


@pytest.mark.parametrize("control", ["live", "replace"])
def test_t26_killed_in_the_midst(start, control):
    daemon = start((2, 4), control)
    assert "done" in run_changes(daemon, 8, random.Random(), kills=True)


def steps(daemon, body):
    return daemon.scale("w", {**body, "dry_run": True}).json["steps"]


def test_the_steps_of_a_plan(start):
    daemon = start((2, 4))
    assert steps(daemon, {"mode": "processes"}) == [
        "start 6 workers", "resize 2 workers to 1 thread, without a restart, once all others are ready"]
    assert steps(daemon, {"mode": "threads"}) == [
        "resize 1 worker to 8 threads, without a restart", "stop 1 worker, highest slot first"]
    assert steps(daemon, {"processes": 2}) == []
    assert steps(daemon, {"threads": 5}) == ["resize 2 workers to 5 threads, without a restart"]
    wait_seen(lambda: all(row["rss_bytes"] for row in daemon.workers("w")))
    said = daemon.ctl("scale", "w", "--mode", "threads", "--dry-run").stdout
    assert "  step: resize 1 worker to 8 threads" in said and "  memory: " in said


def test_the_steps_of_a_replacement(start):
    daemon = start((2, 4), "replace")
    assert steps(daemon, {"processes": 3, "threads": 2}) == [
        "start 1 worker", "replace 2 workers, new ones first"]


def test_steps_that_are_done(start):
    daemon = start((1, 2))
    for grid, count in (((1, 3), 1), ((3, 3), 2), ((1, 9), 3)):
        operation = change(daemon, grid)
        done = wait_seen(lambda: ended(daemon, operation))
        assert (done["phase"], done["steps_done"], done["steps_total"]) == (None, count, count)


def test_what_a_running_change_is_at(reeve, tmp_path):
    """All but the first worker wait at a FIFO before they say that they are ready."""
    (tmp_path / "late.py").write_text(LATE)
    os.mkfifo(tmp_path / "gate")
    daemon = reeve({"w": pool(f"{PYTHON} {word(tmp_path / 'late.py')} {word(tmp_path / 'gate')}",
                              Type="notify", scale={"ProcessesMax": 4})})
    daemon.wait_ready_pids("w", 1)
    operation = change(daemon, (2, 1))
    path = f"/v1/operations/{operation}"
    wait_seen(lambda: daemon.api.get(path).json["phase"] == "starting")
    (tmp_path / "gate").write_text("")
    done = wait_seen(lambda: ended(daemon, operation))
    assert done["state"] == "done" and done["phase"] is None


@pytest.mark.long
@pytest.mark.parametrize("control", ["live", "replace"])
@pytest.mark.parametrize("kills", [True, False])
@pytest.mark.parametrize("overtakes", [True, False])
def test_many_changes(start, control, kills, overtakes):
    daemon = start((2, 4), control)
    run_changes(daemon, 300, random.Random(), kills, overtakes)
