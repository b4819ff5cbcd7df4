"""Complaints about other supervisors that no other test speaks of: see docs/comparison.md."""

import concurrent.futures
import contextlib
import os
import socket

import pytest

from reeve import pool, worker


def test_the_next_attempt_is_told(reeve):
    """A pool that waits says until when; one that runs says nothing."""
    daemon = reeve({"w": pool(worker("crash", 3), RestartSec="30s", RestartMaxDelaySec="60s"),
                    "good": pool(worker("pause"))})

    def resting():
        rows = daemon.api.get("/v1/workers?pool=w").json["items"]
        return [row for row in rows if row["state"] == "backoff"]

    daemon.wait_until(resting)
    row = resting()[0]
    assert row["pid"] is None and row["last_exit"]["code"] == 3
    assert row["next_attempt_time"] > row["last_exit"]["time"]
    assert row["next_attempt_time"] == row["deadline_time"]
    daemon.wait_state("good")
    assert daemon.workers("good")[0]["next_attempt_time"] is None
    assert "NEXT START" in daemon.ctl("status", code=3).stdout


def test_secrets_stay_inside(reeve, tmp_path):
    """What is in a worker's environment is in no answer, in no event and in no file of reeve's."""
    file = tmp_path / "secrets"
    file.write_text("FROM_FILE=hidden-in-file\n")
    daemon = reeve({"w": pool(worker("pause"), Environment="TOKEN=hidden-in-pool",
                              EnvironmentFile=file)})
    daemon.wait_state("w")
    pid = daemon.pids("w")[0]
    with open(f"/proc/{pid}/environ", encoding="utf-8") as environ:
        assert environ.read().count("hidden-in-") == 2
    said = [daemon.api.get(path).body for path in (
        "/v1/", "/v1/pools", "/v1/pools/w", "/v1/workers", f"/v1/workers/{pid}", "/v1/events")]
    said += [daemon.ctl(*words).stdout.encode() for words in (
        ("status", "w"), ("show", "w"), ("show", "w/0"), ("events",))]
    for path in daemon.runtime.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # it was written anew meanwhile
            said += [path.read_bytes()] if path.is_file() else []
    assert len(said) > 10
    assert not [text for text in said if b"hidden-in-" in text]


def test_a_busy_port_fails_the_pool_alone(reeve):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = reeve({"w": pool(worker("pause"), listen={"ListenStream": address}),
                        "good": pool(worker("pause"))})
        daemon.wait_state("good")
        daemon.wait_until(lambda: daemon.pool("w")["last_error"])
        assert "already in use" in daemon.pool("w")["last_error"]
        assert daemon.pool("w")["state"] != "running" and daemon.pool("good")["state"] == "running"
    daemon.wait_state("w")  # the port is free: the next attempt gets it


def test_two_commands_at_once(reeve):
    """None of them is turned away, and each tells what became of it."""
    daemon = reeve({"w": pool(worker("ignore_term"), TimeoutStopSec="300ms", Type="notify")})
    daemon.wait_state("w")
    with concurrent.futures.ThreadPoolExecutor() as threads:
        done = list(threads.map(lambda _: daemon.ctl("start", "w"), range(4)))
        assert all("already running" in one.stdout for one in done)
        done = list(threads.map(lambda _: daemon.ctl("stop", "w"), range(4)))
    assert all(one.stdout.startswith("w is") for one in done)
    assert daemon.workers("w") == [] and daemon.pool("w")["state"] == "stopped"


@pytest.mark.parametrize("how", [[], ["--rolling"]], ids=["at_once", "rolling"])
def test_two_restarts_at_once(reeve, how):
    """The second joins the first: the worker is replaced once, and both succeed."""
    daemon = reeve({"w": pool(worker("ignore_term"), TimeoutStopSec="2s", Type="notify")})
    daemon.wait_state("w")
    before = daemon.pids("w")
    body = {"rolling": bool(how)}
    first, second = (daemon.api.post("/v1/pools/w/restart", body, 202).json for _ in range(2))
    assert first["operation"] == second["operation"]
    daemon.ctl("restart", "w", *how)  # and a person joins both, and waits
    assert set(before).isdisjoint(daemon.pids("w"))


@pytest.mark.long
def test_t29_scaling_and_reloading_leave_nothing(reeve):
    """Descriptors and memory after many cycles are those after a few."""
    daemon = reeve({"w": pool(worker("pause"), scale={"ProcessesMax": 16})})
    daemon.wait_state("w")

    def cycles(count):
        for _ in range(count):
            daemon.scale("w", {"processes": 16, "runtime": True})
            daemon.ctl("reload")
            daemon.scale("w", {"processes": 1, "runtime": True})

    def held():
        with open(f"/proc/{daemon.pid}/status", encoding="ascii") as status:
            memory = int(status.read().split("VmRSS:")[1].split()[0])
        return len(os.listdir(f"/proc/{daemon.pid}/fd")), memory

    cycles(20)
    descriptors, memory = held()
    cycles(200)
    assert abs(held()[0] - descriptors) <= 4
    with open(f"/proc/{daemon.pid}/maps", encoding="utf-8") as maps:
        # A sanitizer keeps what was freed for a while, to see it used.
        assert "asan" in maps.read() or held()[1] - memory < 2000
