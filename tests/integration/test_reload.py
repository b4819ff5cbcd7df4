"""Reloading moves what differs, says what that is, and leaves all in force when a file is broken."""

import signal

import pytest

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
    after = daemon.wait_until(
        lambda: daemon.pool("other")["state"] == "running" and daemon.pids("other"))
    assert daemon.pids("same") == same and len(after) == 2 and not set(after) & set(other)
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
