"""Reloading moves what differs, says what that is, and leaves all in force when a file is broken."""

import json
import os
import pathlib
import signal
import threading
import time

import pytest

from client import wait_seen
from reeve import pool, worker


@pytest.fixture
def daemon(reeve):
    daemon = reeve({"same": pool(worker("pause")), "other": pool(worker("pause")),
                    "gone": pool(worker("pause"))})
    for name in ("same", "other", "gone"):
        daemon.wait_state(name)
    return daemon


def change(daemon):
    daemon.write_pool("other", pool(worker("pause"), Environment="A=1", scale={"Processes": 2}))
    daemon.write_pool("fresh", pool(worker("pause")))
    (daemon.etc / "pools.d/gone.pool").unlink()


def test_a_dry_run_tells_and_moves_nothing(daemon):
    change(daemon)
    before = [daemon.pids(name) for name in ("same", "other", "gone")]
    told = daemon.api.post("/v1/reload", {"dry_run": True}, status=200).json["message"]
    assert told == ("fresh: is new and starts 1 workers; other: replaces 1 workers since Environment="
                    " differs and goes from 1x1 to 2x1; gone: its file is gone: stops 1 workers")
    assert [daemon.pids(name) for name in ("same", "other", "gone")] == before


PLAN = [("fresh", 0, "start", "the pool is new"), ("other", 0, "restart", "Environment= differs"),
        ("other", 1, "start", "Processes= goes from 1 to 2"), ("same", 0, "keep", "nothing differs"),
        ("gone", 0, "stop", "its file is gone")]


@pytest.mark.parametrize("is_dry", [True, False])
def test_the_plan_names_each_worker_and_why(daemon, is_dry):
    change(daemon)
    pids = {(name, 0): daemon.pids(name)[0] for name in ("same", "other", "gone")}
    reply = daemon.api.post("/v1/reload", {"dry_run": is_dry}, status=200).json
    assert [(row["pool"], row["slot"], row["action"], row["reason"]) for row in reply["plan"]] == PLAN
    assert [row["pid"] for row in reply["plan"]] == [pids.get((row["pool"], row["slot"]))
                                                     for row in reply["plan"]]
    assert {row["pool"] for row in reply["operations"]} == \
        (set() if is_dry else {"fresh", "other", "gone"})
    assert reply["state"] == ("done" if is_dry else "running")


def test_reevectl_shows_the_plan_and_waits(daemon):
    change(daemon)
    same = daemon.pids("same")
    dry = daemon.ctl("reload", "--dry-run").stdout
    assert [" ".join(line.split()) for line in dry.splitlines()[:2]] == \
        ["POOL SLOT PID ACTION REASON", "fresh 0 - start the pool is new"]
    assert f"same 0 {same[0]} keep nothing differs" in " ".join(dry.split())
    told = daemon.ctl("reload").stdout
    assert "keep" not in told and "1 more stay as they are" in told and "other: done" in told
    assert daemon.pool("fresh")["state"] == "running" and len(daemon.pids("other")) == 2
    assert daemon.ctl("reload").stdout == "reloaded, nothing differs\n"
    assert daemon.pids("same") == same


def test_reevectl_tells_what_failed(daemon):
    daemon.write_pool("other", pool(worker("crash", 9), Restart="no"))
    failed = daemon.ctl("reload", code=1)
    assert "other: the change was rolled back" in failed.stderr
    reply = json.loads(daemon.ctl("reload", "-o", "json", code=1).stdout)
    assert [item["state"] for item in reply["operations"]] == ["rolled-back"]


@pytest.mark.parametrize("by_signal", [True, False])
def test_only_what_differs_moves(daemon, by_signal):
    change(daemon)
    same, other = daemon.pids("same"), daemon.pids("other")
    if by_signal:
        daemon.signal(signal.SIGHUP)
    else:
        daemon.api.post("/v1/reload", status=200)
    daemon.wait_until(lambda: daemon.api.send("GET", "/v1/pools/fresh").status == 200)
    daemon.wait_state("fresh")
    daemon.wait_until(lambda: not set(daemon.pids("other")) & set(other)
                      and daemon.pool("other")["state"] == "running")
    assert daemon.pids("same") == same and len(daemon.pids("other")) == 2
    daemon.wait_until(lambda: daemon.api.send("GET", "/v1/pools/gone").status == 404)


def test_t49_a_broken_file_changes_nothing(daemon):
    before = daemon.pids("other")
    (daemon.etc / "pools.d/other.pool").write_text("[Pool]\nExecStrat=/bin/true\n")
    refused = daemon.api.post("/v1/reload", status=422)
    assert "other.pool:2:1" in refused.json["detail"] and "ExecStart=" in refused.json["detail"]
    daemon.signal(signal.SIGHUP)
    daemon.ctl("scale", "same", "-p", "2")
    assert daemon.pids("other") == before


def test_a_bad_new_version_is_taken_back(daemon):
    before = daemon.pids("other")
    daemon.write_pool("other", pool(worker("crash", 9), Restart="no"))
    with daemon.events() as events:
        daemon.signal(signal.SIGHUP)
        ended = events.wait("pool.operation", pool="other")
    assert ended["detail"]["state"] == "rolled-back"
    assert daemon.pids("other") == before


# ---- many at once, at bad moments ----

def reloads(daemon):
    items = daemon.api.get("/v1/events?limit=4000").json["items"]
    return [item for item in items if item["type"] == "daemon.reloaded"]


def test_t50_a_thousand_hangups_are_few_reloads_and_the_last_counts(daemon):
    same, began = daemon.pids("same"), time.monotonic()
    with daemon.events() as events:
        for number in range(1000):
            if number == 999:
                daemon.write_pool("fresh", pool(worker("pause")))
            daemon.signal(signal.SIGHUP)
        events.wait("worker.ready", pool="fresh")
    # One at once, then four a second for as long as it takes to send them.
    seen = len(reloads(daemon))
    assert 1 <= seen <= 10 + 4 * (time.monotonic() - began)
    assert daemon.pids("same") == same


def test_t50_a_reload_during_a_rollout(reeve, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    tmp_path.chmod(0o755)
    daemon = reeve({"w": pool(worker("notify"), Type="notify")})
    daemon.wait_state("w")
    before = daemon.pids("w")
    daemon.write_pool("w", pool(worker("notify", f"wait-open={gate}", "READY=1"), Type="notify"))
    first = daemon.api.post("/v1/reload", status=200).json["operations"]
    daemon.wait_until(lambda: len(daemon.workers("w")) == 2)
    assert daemon.pids("w")[0] == before[0]
    daemon.write_pool("w", pool(worker("notify"), Type="notify", Environment="B=2"))
    assert "w: done" in daemon.ctl("reload").stdout
    replaced = daemon.api.get(f"/v1/operations/{first[0]['operation']}").json
    assert replaced["state"] == "failed" and replaced["error"]["code"] == "replaced"
    assert len(daemon.pids("w")) == 1 and daemon.pids("w") != before
    daemon.stop()


def test_t49_files_that_cannot_be_read_change_nothing(daemon):
    before = {name: daemon.pids(name) for name in ("same", "other", "gone")}
    folder = daemon.etc / "pools.d"
    other = folder / "other.pool"
    whole = other.read_text()
    broken = ["[Pool]\n" + "Environment=A=" + "x" * 1000 + "\n" + "#" + "y" * 10_000_000,
              "\0" * 4096, "[Pool]\nExecStart=/bin/true\nType=maybe\n", "[Po"]
    for text in broken:
        other.write_text(text)
        refused = daemon.api.post("/v1/reload", status=422)
        assert "other.pool" in refused.json["detail"], text[:40]
    other.unlink()
    other.symlink_to("nowhere")
    assert "other.pool" in daemon.api.post("/v1/reload", status=422).json["detail"]
    other.unlink()
    other.write_text(whole)
    assert daemon.ctl("reload").stdout == "reloaded, nothing differs\n"
    assert {name: daemon.pids(name) for name in before} == before


def test_t49_files_replaced_while_they_are_read(daemon):
    """Each reload sees the one or the other, and both fit; neither is seen by halves."""
    file = daemon.etc / "pools.d/other.pool"
    texts = [file.read_text() + f"# {'x' * 60_000 * number}\n" for number in (0, 1)]
    is_over = threading.Event()

    def replace():
        number = 0
        while not is_over.is_set():
            number += 1
            fresh = pathlib.Path(daemon.folder / "fresh")
            fresh.write_text(texts[number % 2])
            fresh.rename(file)

    before = daemon.pids("other")
    thread = threading.Thread(target=replace)
    thread.start()
    try:
        for _ in range(30):
            daemon.api.post("/v1/reload", status=200)
    finally:
        is_over.set()
        thread.join()
    assert daemon.pids("other") == before


# ---- reeve.conf ----

def test_sampling_is_turned_off_and_on(reeve):
    daemon = reeve({"w": pool(worker("pause"))}, conf={"SampleIntervalSec": "20ms"})
    daemon.wait_state("w")

    def cpu():
        return daemon.workers("w")[0]["cpu_ratio"]

    wait_seen(lambda: cpu() is not None)
    daemon.write_conf({"SampleIntervalSec": "0"})
    daemon.api.post("/v1/reload", status=200)
    wait_seen(lambda: (shown := daemon.workers("w")[0])["cpu_ratio"] is None
              and shown["rss_bytes"] is None)
    daemon.write_conf({"SampleIntervalSec": "20ms"})
    daemon.api.post("/v1/reload", status=200)
    wait_seen(lambda: cpu() is not None)


def test_the_log_level_and_the_rate_of_starts_follow(reeve):
    daemon = reeve({"w": pool(worker("pause"))})
    daemon.wait_state("w")
    assert ": exited -> " not in daemon.stderr()
    daemon.write_conf({"LogLevel": "debug", "SpawnRate": "1"})
    daemon.api.post("/v1/reload", status=200)
    os.kill(daemon.pids("w")[0], signal.SIGKILL)
    wait_seen(lambda: "worker 0: exited: ready -> " in daemon.stderr())
    daemon.wait_ready_pids("w", 1)
    daemon.write_conf({"SampleIntervalSec": "soon"})
    assert "SampleIntervalSec" in daemon.api.post("/v1/reload", status=422).json["detail"]
