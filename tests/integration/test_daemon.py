"""reeved itself: one for each state folder, as PID 1 of a container, and what it prints."""

import json
import os
import pathlib
import signal
import subprocess

import pytest
from client import wait_seen
from reeve import BUILD, pool, worker


def test_t05_a_second_one_refuses(reeve):
    daemon = reeve({"w": pool(worker("pause"))})
    second = subprocess.run(daemon.command(), capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1 and str(daemon.pid) in second.stderr
    assert daemon.wait_state("w")


def test_version_and_states():
    reeved = BUILD / "daemon/reeved"
    version = subprocess.run([reeved, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("reeve")
    dot = subprocess.run([reeved, "--dump-states"], capture_output=True, text=True, check=True).stdout
    assert "digraph" in dot and "backoff" in dot


def test_wrong_usage():
    done = subprocess.run([BUILD / "daemon/reeved", "--no-such-option"], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode in (1, 2) and "--no-such-option" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told(reeve, number):
    daemon = reeve({"w": pool(worker("notify"), Type="notify", scale={"Processes": 3})})
    daemon.wait_state("w")
    daemon.signal(number)
    assert daemon.wait() == 0
    daemon.check_end()


def test_the_first_request_is_answered(reeve):
    """READY=1 means ready: a request that comes before the face has all it needs waits."""
    daemon = reeve({"w": pool(worker("pause"))})
    assert daemon.api.send("GET", "/v1/pools").json["items"][0]["name"] == "w"


def test_without_pools(reeve):
    daemon = reeve()
    assert [item for item in daemon.api.get("/v1/pools").json["items"]
            if not item["name"].startswith("@")] == []


# ---- as PID 1 ----

IN_CONTAINER = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child=KILL"]


@pytest.mark.root
def test_t52_pid_1_reaps_what_is_not_its_own(reeve, tmp_path):
    """The stray has an empty environment and another parent: it ends as a child of PID 1."""
    leaver = "/bin/sh -c '(sleep 0 & exec true) ; exec " + worker("notify") + "'"
    daemon = reeve({"w": pool(leaver, Type="notify", scale={"Processes": 3})}, prefix=IN_CONTAINER)
    daemon.wait_state("w")
    inside = subprocess.run(["pgrep", "-P", str(daemon.pid)], capture_output=True, text=True,
                            check=True).stdout.split()

    def is_reaped():
        states = subprocess.run(["ps", "-o", "stat=", "--ppid", inside[0]], capture_output=True,
                                text=True, check=True).stdout.split()
        return states and not [state for state in states if state.startswith("Z")]

    wait_seen(is_reaped)  # one that has just ended is none yet
    # unshare ignores SIGTERM while it waits: the daemon itself is told.
    os.kill(int(inside[0]), signal.SIGTERM)
    assert daemon.wait() == 0


@pytest.mark.root
@pytest.mark.parametrize("code", [0, 42])
def test_essential_pool_in_a_container(reeve, code):
    daemon = reeve({"main": pool(worker("crash", code, 20), Restart="no", Essential="yes"),
                    "side": pool(worker("notify"), Type="notify")}, start=False, prefix=IN_CONTAINER)
    daemon.start(ready=False)
    assert daemon.wait() == code
    daemon.check_end()


@pytest.mark.long
def test_t29_many_cycles_leave_nothing(reeve):
    """Descriptors and memory after a thousand lives are those after a hundred."""
    daemon = reeve({"w": pool(worker("crash", 0), RestartSec="0", StartLimitBurst="0")})

    def lives(count):
        with daemon.events() as events:
            for _ in range(count):
                events.wait("worker.exited")

    def held():
        status = open(f"/proc/{daemon.pid}/status", encoding="ascii").read()
        memory = int(status.split("VmRSS:")[1].split()[0])
        return len(os.listdir(f"/proc/{daemon.pid}/fd")), memory

    lives(100)
    descriptors, memory = held()
    lives(1000)
    assert abs(held()[0] - descriptors) <= 4
    # A sanitizer keeps what was freed for a while, to see it used.
    if "asan" not in pathlib.Path(f"/proc/{daemon.pid}/maps").read_text():
        assert held()[1] - memory < 2000


@pytest.mark.long
def test_t25_a_restart_storm_disturbs_nobody(reeve):
    storm = pool(worker("crash", 1), RestartSec="10ms", StartLimitBurst=5, scale={"Processes": 200})
    daemon = reeve({"storm": storm, "calm": pool(worker("notify"), Type="notify")})
    before = daemon.wait_ready_pids("calm", 1)
    daemon.wait_state("storm", "failed", timeout=60)
    assert daemon.pids("calm") == before
    page = daemon.api.get("/v1/events?since=0&limit=5000").json["items"]
    assert not [event for event in page if event["pool"] == "calm" and event["type"] == "worker.exited"]
    assert json.dumps(daemon.pool("storm"))
