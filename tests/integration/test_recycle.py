"""Workers that have served long enough are replaced, and the pool does not notice."""

import os

import pytest

from client import wait_seen
from reeve import pool, worker


def ready_counts(daemon, name, events, until):
    """Reads events until the condition holds; the lowest count of ready workers at any of them."""
    lowest = daemon.pool(name)["processes"]["ready"]
    while not until():
        events.next()
        lowest = min(lowest, daemon.pool(name)["processes"]["ready"])
    return lowest


def recycled(daemon, name="w"):
    past = daemon.api.get("/v1/events?since=0&limit=5000").json["items"]
    return [event for event in past if event["type"] == "worker.recycled" and event["pool"] == name]


@pytest.mark.parametrize("keys", [{}, {"health": {"Exec": "/bin/true", "IntervalSec": "250ms",
                                                  "TimeoutSec": "20s"}}])
def test_by_age_one_at_a_time(reeve, keys):
    daemon = reeve({"w": pool(worker("notify") if not keys else worker("pause"),
                              Type="exec" if keys else "notify", MaxAgeSec="1s",
                              StartLimitBurst=1, scale={"Processes": 3}, **keys)})
    first = daemon.wait_ready_pids("w", 3)
    with daemon.events() as events:
        lowest = ready_counts(daemon, "w", events,
                              lambda: not set(first) & set(daemon.pids("w")))
    assert lowest >= 3
    assert {event["detail"]["reason"] for event in recycled(daemon)} == {"age"}
    assert {event["pid"] for event in recycled(daemon)} >= set(first)
    states = [event["detail"]["state"]
              for event in daemon.api.get("/v1/events?since=0&limit=5000").json["items"]
              if event["type"] == "pool.state" and event["pool"] == "w"]
    assert "degraded" not in states and daemon.pool("w")["restarts"] == 0
    assert all(row["restarts"] == 0 for row in daemon.workers("w"))


def test_by_memory(reeve):
    """Any process is above 4 KiB; each is recycled, one after the other."""
    daemon = reeve({"w": pool(worker("notify"), Type="notify", MaxMemory="4096",
                              MaxMemorySec="300ms", scale={"Processes": 2})},
                   conf={"SampleIntervalSec": "50ms"})
    first = daemon.wait_ready_pids("w", 2)
    with daemon.events() as events:
        lowest = ready_counts(daemon, "w", events,
                              lambda: not set(first) & set(daemon.pids("w")))
    assert lowest >= 2
    event = recycled(daemon)[0]
    assert event["detail"]["reason"] == "memory" and event["detail"]["rss_bytes"] > 4096


def test_by_requests_that_the_worker_counts(reeve):
    words = worker("notify", "READY=1", "X_REEVE_TASKS_DONE=9", "wait-usr1",
                   "X_REEVE_TASKS_DONE=10", "X_REEVE_TASKS_DONE=no")
    daemon = reeve({"w": pool(words, Type="notify", MaxRequests="10")})
    first = daemon.wait_ready_pids("w", 1)[0]
    daemon.api.post(f"/v1/workers/{first}/signal", {"signal": "SIGUSR1"})
    with daemon.events(since=0) as events:
        event = events.wait("worker.recycled", pool="w")
        assert event["pid"] == first and event["detail"]["tasks_done"] == 10
        events.wait_until(lambda: daemon.pids("w") and first not in daemon.pids("w"))


def test_a_stand_in_that_fails_leaves_the_old_one_in_place(reeve, tmp_path):
    """The command is ready once, and never again."""
    once = tmp_path / "once"
    script = (f"test -e {once} && exit 3; touch {once}; "
              f"exec {worker('notify')}")
    daemon = reeve({"w": pool(f"/bin/sh -c '{script}'", Type="notify", MaxAgeSec="300ms",
                              RestartSec="1ms", RestartMaxDelaySec="1ms")})
    first = daemon.wait_ready_pids("w", 1)
    with daemon.events(since=0) as events:
        events.wait("worker.recycled", pool="w")
        for _ in range(3):
            assert events.wait("worker.exited", pool="w")["slot"] == 1
        events.wait_until(lambda: len(daemon.workers("w")) == 1)
    assert daemon.wait_ready_pids("w", 1) == first
    assert daemon.wait_state("w")
    wait_seen(lambda: "recycling is put off" in daemon.stderr())


def test_a_dry_run_knows_a_stand_in(reeve, tmp_path):
    once, gate = tmp_path / "once", tmp_path / "gate"
    os.mkfifo(gate)
    script = (f"test -e {once} && exec {worker('notify', f'wait-open={gate}', 'READY=1')}; "
              f"touch {once}; exec {worker('notify')}")
    daemon = reeve({"w": pool(f"/bin/sh -c '{script}'", Type="notify", MaxAgeSec="300ms")})
    with daemon.events(since=0) as events:
        while events.wait("worker.started", pool="w")["slot"] != 1:
            pass
    plan = daemon.api.post("/v1/reload", {"dry_run": True}, status=200).json["plan"]
    assert {row["slot"]: row["reason"] for row in plan} == {
        0: "nothing differs", 1: "it stands in for one that is being replaced"}


def test_max_unavailable_needs_no_stand_in(reeve):
    daemon = reeve({"w": pool(worker("notify"), Type="notify", MaxAgeSec="500ms",
                              scale={"Processes": 2, "MaxUnavailable": 1})})
    first = daemon.wait_ready_pids("w", 2)
    daemon.wait_until(lambda: not set(first) & set(daemon.pids("w")))
    past = daemon.api.get("/v1/events?since=0&limit=5000").json["items"]
    assert {event["slot"] for event in past if event["pool"] == "w"} <= {None, 0, 1}
