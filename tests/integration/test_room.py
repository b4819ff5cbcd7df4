"""A change that there is no memory for is refused before anything starts, with the numbers."""

import re

import pytest
from client import wait_seen
from reeve import pool, worker

MEGA = 1 << 20
SCALE = {"Processes": 1, "ProcessesMax": 60000, "ThreadsMax": 512}


def hungry(megabytes, command=None, **keys):
    scale = {**SCALE, **{key: keys.pop(key) for key in list(keys) if key in
                         ("MemoryBudget", "Processes", "ThreadControl", "Threads")}}
    return pool(command or f"{worker('hungry')} memory {megabytes}", scale=scale, **keys)


@pytest.fixture
def start(reeve):
    """A pool `w` whose workers have eaten."""
    def start(megabytes, processes=1, **keys):
        daemon = reeve({"w": hungry(megabytes, Processes=processes, **keys)},
                       conf={"SampleIntervalSec": "20ms"})
        daemon.wait_ready_pids("w", processes)
        wait_seen(lambda: all((row["rss_bytes"] or 0) > megabytes * MEGA
                              for row in daemon.workers("w")))
        return daemon
    return start


def test_over_the_budget(start):
    daemon = start(20, MemoryBudget="100M")
    before, generation = daemon.pids("w"), daemon.pool("w")["generation"]
    refused = daemon.scale("w", {"processes": 8}, status=422)
    assert refused.code == "over-limit"
    detail = refused.json["detail"]
    assert "MemoryBudget= allows 100M" in detail and "enough for 4 such workers" in detail
    assert re.search(r"8x1 would take 16\d(\.\d)?M .*8 workers of 20(\.\d+)?M", detail)
    assert daemon.pids("w") == before and daemon.pool("w")["generation"] == generation
    assert daemon.scale("w", {"processes": 4}).json["state"] == "done"
    assert len(daemon.pids("w")) == 4
    assert daemon.pool("w")["scale"]["limits"]["memory_bytes"] == 100 * MEGA
    assert not daemon.pool("w")["warnings"]


def test_a_conversion_over_the_budget(start):
    """Four threads share what four processes would take four times."""
    daemon = start(20, MemoryBudget="60M", Threads=4, ThreadControl="replace")
    before = daemon.pids("w")
    said = daemon.ctl("scale", "w", "--mode", "processes", code=7)
    assert "4x1 would take" in said.stderr
    assert daemon.pids("w") == before


def test_the_way_down_is_open(start):
    """Over its budget already, since its file says so."""
    daemon = start(20, processes=3, MemoryBudget="10M")
    daemon.scale("w", {"processes": 4}, status=422)
    assert daemon.scale("w", {"processes": 2}).json["state"] == "done"
    assert daemon.scale("w", {"processes": 1}).json["state"] == "done"


def test_a_dry_run_tells_what_is_expected(start):
    daemon = start(20, MemoryBudget="100M")
    memory = daemon.scale("w", {"processes": 3, "dry_run": True}).json["memory"]
    assert 20 * MEGA <= memory["worker_bytes"] < 24 * MEGA
    assert 60 * MEGA <= memory["expected_bytes"] < 72 * MEGA
    assert 20 * MEGA <= memory["now_bytes"] < 24 * MEGA
    assert memory["more_bytes"] == 2 * memory["worker_bytes"]
    assert memory["budget_bytes"] == 100 * MEGA and memory["workers_measured"] == 1
    assert memory["available_bytes"] > memory["more_bytes"]
    plan = daemon.ctl("scale", "w", "3x1", "--dry-run").stdout
    assert re.search(r"memory: 2\d(\.\d)?M -> 6\d(\.\d)?M expected, 2\d(\.\d)?M for a worker "
                     r"\(measured on 1\), of a budget of 100M", plan)
    daemon.scale("w", {"processes": 9, "dry_run": True}, status=422)


def test_more_than_the_machine_has(start):
    """Nobody has four terabytes to spare."""
    daemon = start(64)
    before = daemon.pids("w")
    refused = daemon.scale("w", {"processes": 60000}, status=409)
    assert refused.code == "no-room"
    assert re.search(r"needs 3\.\d+T of memory .* can be had", refused.json["detail"])
    assert daemon.pids("w") == before
    assert "can be had" in daemon.ctl("scale", "w", "60000x1", code=7).stderr


def test_children_of_a_worker_count(start):
    """A master that forks: what its children have is what another worker would take."""
    script = f"{worker('hungry')} memory 20 & {worker('hungry')} memory 20 & wait"
    daemon = start(0, command=f"/bin/sh -c '{script}'", MemoryBudget="100M")
    found = wait_seen(lambda: (plan := daemon.scale("w", {"processes": 2, "dry_run": True}).json)
                              ["memory"]["worker_bytes"] > 40 * MEGA and plan)
    assert found["memory"]["worker_bytes"] < 50 * MEGA
    assert "enough for 2 such" in daemon.scale("w", {"processes": 3}, status=422).json["detail"]


def test_nothing_is_known_before_the_first_worker(reeve):
    daemon = reeve({"w": hungry(8, Processes=0, MemoryBudget="1M")})
    daemon.wait_state("w")
    plan = daemon.scale("w", {"processes": 2, "dry_run": True}).json
    assert plan["memory"] is None and plan["unavailable"]["memory"]
    assert daemon.scale("w", {"processes": 2}).json["state"] == "done"
    # What its workers took is known from now on.
    assert daemon.scale("w", {"processes": 0}).json["state"] == "done"
    assert daemon.scale("w", {"processes": 2}, status=422).code == "over-limit"
