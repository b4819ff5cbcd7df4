"""The third number of the grid: greenlets in a thread, live where the worker can, shown where there are any."""

import json

import reeve as harness
from client import wait_seen
from reeve import pool, worker

SCALE = {"Processes": 1, "Threads": 1, "ProcessesMax": 4, "ThreadsMax": 4, "ThreadControl": "live"}
SDK = f'"PYTHONPATH={harness.ROOT / "include/python"}"'


def started(reeve, **scale):
    daemon = reeve({"g": pool(worker("greenlets"), Type="notify", scale={**SCALE, **scale}, Environment=SDK)},
                   conf={"SampleIntervalSec": "50ms"})
    daemon.wait_state("g")
    return daemon


def live(daemon):
    """What each worker has by its own word; None before it says anything."""
    return [(row["telemetry"] or {}).get("greenlets_live") for row in daemon.workers("g")]


def test_greenlets_change_while_the_worker_works(reeve):
    daemon = started(reeve, Greenlets=4)
    wait_seen(lambda: live(daemon) == [4])
    before = daemon.pids("g")
    for count in (9, 2):
        done = daemon.scale("g", {"greenlets": count}).json
        assert done["state"] == "done" and done["kept"] == before
        assert done["to"] == {"processes": 1, "threads": 1, "greenlets": count}
        wait_seen(lambda count=count: live(daemon) == [count])
    assert daemon.pids("g") == before


def test_all_three_numbers_at_once(reeve):
    daemon = started(reeve, Greenlets=2)
    done = daemon.ctl("scale", "g", "2x1x5").stdout
    assert done.startswith("g: 1x1x2 -> 2x1x5, generation 2; kept ")
    wait_seen(lambda: live(daemon) == [5, 5])
    assert daemon.api.get("/v1/pools/g").json["scale"]["greenlets"] == 5
    shown = daemon.api.get(f"/v1/workers/{daemon.pids('g')[1]}").json
    assert shown["greenlets_wanted"] == 5
    assert " 2x1x5 " in daemon.ctl("pools", "g").stdout

    def wide():
        told = daemon.ctl("ps", "g", "-o", "wide", "--columns=slot,greenlets", "--no-headers").stdout
        return [line.split() for line in told.splitlines()]

    wait_seen(lambda: wide() == [["0", "5"], ["1", "5"]])  # one may just make room for the next
    plan = json.loads(daemon.ctl("scale", "g", "1x1x7", "--dry-run", "-o", "json").stdout)
    assert plan["to"]["greenlets"] == 7
    assert "2x1x5" in daemon.api.send("GET", "/").body.decode()


def test_they_are_kept_and_reset(reeve):
    daemon = started(reeve, Greenlets=2)
    daemon.scale("g", {"greenlets": 6})
    kept = daemon.state / "control/g.pool.d/50-scale.conf"
    assert "Greenlets=6" in kept.read_text()
    assert daemon.ctl("scale", "g", "--reset").stdout.startswith("g: 1x1x6 -> 1x1x2")


def test_without_greenlets_nobody_speaks_of_them(reeve):
    daemon = reeve({"w": pool(worker("pause"))})
    daemon.wait_state("w")
    assert "greenlets" not in daemon.ctl("ps", "w").stdout.lower()
    assert " 1x1 " in daemon.ctl("pools", "w").stdout
    assert daemon.workers("w")[0]["telemetry"] is None
