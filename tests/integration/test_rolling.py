"""Rolling replacement: capacity is kept at every step, and a bad new version is taken back."""

import os
import pathlib
import signal

import pytest
from reeve import BUILD, pool, word, worker


class Capacity:
    """Counts ready workers event by event; a slot that is told to stop counts no more at once."""

    def __init__(self, name, pids):
        self.name, self.ready, self.most = name, set(pids), len(pids)
        self.lowest, self.highest = len(pids), len(pids)

    def see(self, event):
        if event["pool"] != self.name:
            return
        if event["type"] == "worker.ready":
            self.ready.add(event["pid"])
        elif event["type"] == "worker.exited" or event["detail"].get("state") == "stopping":
            self.ready.discard(event["pid"])
        self.lowest = min(self.lowest, len(self.ready))
        self.highest = max(self.highest, len(self.ready))


def watch(daemon, begin, pids):
    """What @begin() started, seen event by event to its end: capacity and the last event."""
    capacity = Capacity("w", pids)
    with daemon.events() as events:
        begin()
        while True:
            event = events.event()
            capacity.see(event)
            if event["type"] == "pool.operation" and event["pool"] == "w":
                return capacity, event["detail"]["state"]


def rolling(daemon):
    return lambda: daemon.api.post("/v1/pools/w/restart", {"rolling": True}, status=202)


@pytest.mark.parametrize("surge, unavailable, floor, ceiling", [
    ("1", "0", 4, 5), ("25%", "0", 4, 5), ("2", "0", 4, 6), ("100%", "0", 4, 8),
    ("0", "1", 3, 4), ("0", "50%", 2, 4), ("1", "1", 3, 5),
])
def test_t26_ready_workers_stay_within_the_bounds(reeve, surge, unavailable, floor, ceiling):
    daemon = reeve({"w": pool(worker("notify"), Type="notify", scale={
        "Processes": 4, "MaxSurge": surge, "MaxUnavailable": unavailable})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    capacity, state = watch(daemon, rolling(daemon), before)
    assert state == "done" and not set(daemon.pids("w")) & set(before)
    assert capacity.lowest >= floor and capacity.highest <= ceiling
    assert daemon.pool("w")["processes"] == {"ready": 4, "wanted": 4, "total": 4}


BAD = {
    "exits 1": dict(command=worker("crash", 1), Type="notify"),
    "exits 1 at once": dict(command=worker("crash", 1), Type="exec"),
    "no such program": dict(command="/nonexistent/program", Type="exec"),
    "no program": dict(command=str(pathlib.Path("/etc/passwd")), Type="notify"),
    "never ready": dict(command=worker("pause"), Type="notify", TimeoutStartSec="300ms"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("unavailable", ["0", "1"])
def test_t26_a_bad_new_version_is_taken_back(reeve, kind, unavailable):
    scale = {"Processes": 3, "MaxUnavailable": unavailable}
    daemon = reeve({"w": pool(worker("notify"), Type="notify", scale=scale)})
    daemon.wait_state("w")
    before = daemon.pids("w")
    keys = {"RestartSec": "10ms", **BAD[kind]}
    daemon.write_pool("w", pool(keys.pop("command"), scale=scale, **keys))
    capacity, state = watch(daemon, lambda: daemon.api.post("/v1/reload"), before)
    assert state == "rolled-back"
    assert capacity.lowest >= 3 - int(unavailable)
    shown = daemon.wait_state("w")
    assert shown["processes"]["ready"] == 3
    assert any("older definition than its file" in text for text in daemon.warnings("w"))
    operation = max(item["detail"]["operation"] for item in
                    daemon.api.get("/v1/events?limit=4000").json["items"]
                    if item["type"] == "pool.operation" and item["pool"] == "w")
    error = daemon.api.get(f"/v1/operations/{operation}").json["error"]
    assert error["code"] == "rolled-back" and error["detail"]
    if unavailable == "0":
        assert daemon.pids("w") == before


def test_t26_workers_that_crash_while_the_grid_grows(reeve):
    """Those that were there are killed once each as the new ones come; the end is what was asked."""
    daemon = reeve({"w": pool(worker("notify"), Type="notify", RestartSec="0",
                              scale={"Processes": 3, "ProcessesMax": 9})})
    daemon.wait_state("w")
    victims = daemon.pids("w")
    with daemon.events() as events:
        daemon.api.patch("/v1/pools/w/scale", {"processes": 9}, status=202)
        while True:
            event = events.event()
            if event["type"] == "worker.started" and event["pool"] == "w" and victims:
                os.kill(victims.pop(), signal.SIGKILL)
            if event["type"] == "pool.operation" and event["pool"] == "w":
                break
    assert event["detail"]["state"] == "done"
    daemon.wait_ready_pids("w", 9)


def test_t26_workers_that_crash_while_they_are_replaced(reeve):
    daemon = reeve({"w": pool(worker("notify"), Type="notify", RestartSec="0",
                              scale={"Processes": 4, "MaxSurge": "1"})})
    daemon.wait_state("w")
    victims = daemon.pids("w")[:2]
    with daemon.events() as events:
        daemon.api.post("/v1/pools/w/restart", {"rolling": True}, status=202)
        events.wait("worker.started", pool="w")
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        ended = events.wait("pool.operation", pool="w")
    assert ended["detail"]["state"] == "done"
    assert not set(daemon.wait_ready_pids("w", 4)) & set(victims)


def test_a_binary_that_is_replaced_is_rolled_out_and_back(reeve, tmp_path):
    """The file stays the same, what it names does not."""
    tmp_path.chmod(0o755)
    program = tmp_path / "program"

    def install(path):
        program.unlink(missing_ok=True)
        program.symlink_to(path)

    install(BUILD / "tests/workers/worker-notify")
    daemon = reeve({"w": pool(word(program), Type="notify", RestartSec="10ms",
                              scale={"Processes": 2})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    install(BUILD / "tests/workers/worker-crash")
    failed = daemon.ctl("restart", "w", "--rolling", code=1)
    assert "w: the change was rolled back" in failed.stderr and "exited with code 1" in failed.stderr
    assert daemon.pids("w") == before
    install(BUILD / "tests/workers/worker-notify")
    daemon.ctl("restart", "w", "--rolling")
    assert not set(daemon.pids("w")) & set(before)
