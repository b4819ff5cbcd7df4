"""Configuration: what is wrong is said with place, value and what is allowed; reload keeps the rest."""

import signal
import subprocess

import pytest
from reeve import BUILD, pool, worker


def check(daemon, program):
    command = {"reeved": [BUILD / "daemon/reeved", "--check", "--config", daemon.etc],
               "reevectl": [BUILD / "ctl/reevectl", "check", daemon.etc]}[program]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("program", ["reeved", "reevectl"])
def test_a_good_one(reeve, program):
    done = check(reeve({"w": pool(worker("pause"))}, start=False), program)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", ["reeved", "reevectl"])
@pytest.mark.parametrize("text, said", [
    ("[Pool]\nExecStart=/bin/true\nRestrat=no\n", ["w.pool:3:1", "Restrat", "Restart"]),
    ("[Pool]\nExecStart=/bin/true\nRestart=maybe\n", ["w.pool:3:9", "maybe", "on-failure"]),
    ("[Pool]\nExecStart=/bin/true\n[Scale]\nProcesses=many\n", ["w.pool:4:11", "many"]),
    ("[Pool]\nExecStart=/bin/true\n[Scale]\nProcesses=9\nProcessesMax=8\n", ["w.pool", "9", "8"]),
    ("[Pool]\nType=exec\n", ["w.pool", "ExecStart"]),
    ("[Pool]\nExecStart=true\n", ["w.pool:2:11", "true"]),
    ("[Pol]\nExecStart=/bin/true\n", ["w.pool:1", "Pol", "Pool"]),
])
def test_a_bad_one(reeve, program, text, said):
    daemon = reeve(start=False)
    (daemon.etc / "pools.d/w.pool").write_text(text)
    done = check(daemon, program)
    assert done.returncode == 78
    for words in said:
        assert words in done.stdout + done.stderr, done.stdout + done.stderr


def test_t39_only_loopback(reeve):
    daemon = reeve(conf={"ListenHTTP": "0.0.0.0:7733"}, start=False)
    daemon.start(ready=False)
    assert daemon.wait() == 78
    assert "reeve.conf:2:12" in daemon.stderr() and "0.0.0.0" in daemon.stderr()


def test_the_daemon_does_not_start_with_a_bad_one(reeve):
    daemon = reeve({"w": "[Pool]\nExecStart=/bin/true\nRestart=maybe\n"}, start=False)
    daemon.start(ready=False)
    assert daemon.wait() == 78 and "maybe" in daemon.stderr()


def test_t49_reload_with_an_error_changes_nothing(reeve):
    daemon = reeve({"w": pool(worker("pause"))})
    daemon.wait_state("w")
    before = daemon.pids("w")
    daemon.write_pool("w", "[Pool]\nExecStart=/bin/true\nRestart=maybe\n")
    refused = daemon.api.post("/v1/reload")
    assert refused.status == 422 and "maybe" in refused.body.decode()
    assert daemon.pids("w") == before and daemon.pool("w")["state"] == "running"


def test_reload_moves_only_what_changed(reeve):
    daemon = reeve({"same": pool(worker("pause")), "changed": pool(worker("pause")),
                    "gone": pool(worker("pause"))})
    for name in ("same", "changed", "gone"):
        daemon.wait_state(name)
    same, changed = daemon.pids("same"), daemon.pids("changed")
    daemon.write_pool("changed", pool(worker("pause"), Nice=3))
    daemon.write_pool("new", pool(worker("pause")))
    (daemon.etc / "pools.d/gone.pool").unlink()
    daemon.api.post("/v1/reload")
    daemon.wait_until(lambda: {item["name"]: item["state"] for item in
                               daemon.api.get("/v1/pools").json["items"]
                               if not item["name"].startswith("@")} ==
                      {"same": "running", "changed": "running", "new": "running"}
                      and len(daemon.pids("changed")) == 1 and daemon.pids("changed") != changed)
    assert daemon.pids("same") == same


def test_t50_many_hangups(reeve):
    daemon = reeve({"w": pool(worker("pause"))})
    daemon.wait_state("w")
    before = daemon.pids("w")
    for _ in range(200):
        daemon.signal(signal.SIGHUP)
    assert daemon.api.get("/livez").status == 200
    assert daemon.pids("w") == before


def test_drop_ins_and_a_dry_reload(reeve):
    daemon = reeve({"w": pool(worker("pause"))}, start=False)
    (daemon.etc / "pools.d/w.pool.d").mkdir()
    (daemon.etc / "pools.d/w.pool.d/10-more.conf").write_text("[Scale]\nProcesses=3\n")
    daemon.start()
    assert daemon.wait_state("w")["processes"]["ready"] == 3
    before = daemon.pids("w")
    daemon.write_pool("w", pool(worker("pause"), Nice=3))
    daemon.api.post("/v1/reload", {"dry_run": True})
    assert daemon.pids("w") == before


@pytest.mark.parametrize("key, value", [
    ("MemoryMax", "1G"), ("TasksMax", "10"),
])
def test_a_key_that_cannot_be_honoured_is_a_warning(reeve, key, value):
    daemon = reeve({"w": pool(worker("pause"), **{key: value}), "w2": pool(worker("pause"))},
                   environment={"REEVE_TEST_FAMILIES": "descent"})
    daemon.wait_state("w")
    assert any(key in text for text in daemon.warnings("w"))
