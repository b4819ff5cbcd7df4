"""Stopped means gone: every process of a slot, by every way of stopping, with cgroups and without."""

import os
import signal
import time

import pytest
import processes
from reeve import HELD, pool, worker

FAMILIES = [pytest.param({}, id="as-it-is"),
            pytest.param({"REEVE_TEST_FAMILIES": "descent"}, id="descent")]
STOP_SEC = 0.4


def stop(daemon, name):
    """Asks for it and waits; how long that took."""
    began = time.monotonic()
    daemon.api.post(f"/v1/pools/{name}/stop", headers=HELD)
    daemon.wait_state(name, "stopped")
    return time.monotonic() - began


def stubborn(report, *arguments, **keys):
    return pool(worker("ignore_term", report, *arguments), Type="notify",
                **{"TimeoutStopSec": "400ms", **keys})


def family(report):
    """Name to PID of what ignore_term brought into the world."""
    return {name: int(pid) for name, pid in
            (line.split() for line in report.read_text().splitlines())}


def test_a_polite_worker_stops_at_once(reeve):
    daemon = reeve({"w": pool(worker("notify"), Type="notify", TimeoutStopSec="60s")})
    daemon.wait_state("w")
    pids = daemon.pids("w")
    assert stop(daemon, "w") < 30
    processes.wait_gone(pids, 0)
    assert daemon.pids("w") == [] and daemon.pool("w")["processes"]["total"] == 0


@pytest.mark.parametrize("environment", FAMILIES)
@pytest.mark.parametrize("role", [[], ["leader-exits"]], ids=["all-ignore", "leader-exits"])
def test_t23_nobody_gets_away(reeve, tmp_path, environment, role):
    daemon = reeve({"w": stubborn(tmp_path / "pids", *role)}, environment=environment)
    daemon.wait_state("w")
    pids = family(tmp_path / "pids")
    assert set(pids) == {"leader", "child", "stray"}
    took = stop(daemon, "w")
    assert not [name for name, pid in pids.items() if processes.is_alive(pid)]
    assert took >= STOP_SEC - 0.05


@pytest.mark.parametrize("environment", FAMILIES)
def test_t23_a_crash_leaves_nobody_behind(reeve, tmp_path, environment):
    daemon = reeve({"w": stubborn(tmp_path / "pids", Restart="no")}, environment=environment)
    daemon.wait_state("w")
    pids = family(tmp_path / "pids")
    with daemon.events() as events:
        os.kill(pids["leader"], signal.SIGKILL)
        events.wait("worker.exited", pool="w")
        events.wait_until(lambda: daemon.pool("w")["state"] == "failed")
    assert not [name for name, pid in pids.items() if processes.is_alive(pid)]


@pytest.mark.parametrize("environment", FAMILIES)
def test_the_daemon_takes_everybody_along(reeve, tmp_path, environment):
    daemon = reeve({"w": stubborn(tmp_path / "pids")}, environment=environment)
    daemon.wait_state("w")
    pids = family(tmp_path / "pids")
    daemon.stop()
    assert not [name for name, pid in pids.items() if processes.is_alive(pid)]


@pytest.mark.parametrize("environment", FAMILIES)
def test_all_are_told_not_only_the_main_process(reeve, tmp_path, environment):
    """A shell waits for its child before it heeds a trap: it ends only if the child is told too."""
    script, said = tmp_path / "wait.sh", tmp_path / "said"
    os.mkfifo(said)
    script.write_text(f"trap 'exit 0' TERM\n({worker('pause')} & echo up >{said}; wait)\nexit 0\n")
    daemon = reeve({"w": pool(f"/bin/sh {script}", TimeoutStopSec="60s")}, environment=environment)
    assert said.read_text() == "up\n"
    pids = daemon.pids("w")
    assert stop(daemon, "w") < 30
    processes.wait_gone(pids, 0)


def test_t21_killed_at_the_deadline_and_in_parallel(reeve, tmp_path):
    pools = {f"w{number}": stubborn(tmp_path / f"pids{number}", TimeoutStopSec="3s")
             for number in range(4)}
    daemon = reeve({**pools, "polite": pool(worker("notify"), Type="notify")})
    for name in [*pools, "polite"]:
        daemon.wait_state(name)
    began, stopped = time.monotonic(), []
    with daemon.events() as events:
        for name in [*pools, "polite"]:
            daemon.api.post(f"/v1/pools/{name}/stop", status=202)
        while len(stopped) < 5:
            event = events.wait("pool.state")
            stopped += [event["pool"]] if event["detail"]["state"] == "stopped" else []
    assert stopped[0] == "polite", "a polite worker had to wait for a stubborn one"
    assert 3 - 0.05 <= time.monotonic() - began < 4 * 3, "one after the other"
    assert daemon.api.get("/v1/workers?pool=w0").json["items"] == [] or \
        daemon.api.get("/v1/workers?pool=w0").json["items"][0]["last_exit"]["signal"] == "SIGKILL"


@pytest.mark.parametrize("environment", FAMILIES)
def test_t20_a_frozen_worker_can_be_stopped(reeve, environment):
    daemon = reeve({"w": pool(worker("pause"), TimeoutStopSec="60s")}, environment=environment)
    daemon.wait_state("w")
    pid = daemon.pids("w")[0]
    os.kill(pid, signal.SIGSTOP)
    # SIGCONT follows SIGTERM, so there is no need for the deadline.
    assert stop(daemon, "w") < 30
    processes.wait_gone([pid], 0)


def test_start_again_after_stop(reeve):
    daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 2})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    stop(daemon, "w")
    daemon.api.post("/v1/pools/w/start", headers=HELD)
    daemon.wait_state("w")
    assert len(daemon.pids("w")) == 2 and not set(before) & set(daemon.pids("w"))


def test_a_second_term_ends_at_once(reeve, tmp_path):
    daemon = reeve({"w": pool(worker("ignore_term", tmp_path / "pids"), Type="notify",
                              TimeoutStopSec="5min")})
    daemon.wait_state("w")
    pids = family(tmp_path / "pids")
    with daemon.events() as events:
        daemon.signal(signal.SIGTERM)
        events.wait("daemon.stopping")
        daemon.signal(signal.SIGTERM)
    daemon.wait()
    assert not [name for name, pid in pids.items() if processes.is_alive(pid)]


def test_restart_replaces_all(reeve):
    daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 2})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    reply = daemon.api.post("/v1/pools/w/restart", {"rolling": True}, status=200,
                            headers=HELD).json
    assert reply["state"] == "done" and set(before) <= set(reply["stopped"])
    # One that stood in meanwhile was both started and stopped.
    assert set(reply["started"]) - set(reply["stopped"]) == set(daemon.pids("w"))
