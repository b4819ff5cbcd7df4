"""Pools that reload themselves, and the way back to what was before a change."""

import os
import signal

import pytest
from reeve import HELD, pool, worker


def texts(daemon, name):
    return [item["status_text"] for item in daemon.workers(name)]


# ---- reload of a pool ----

def test_a_signal_reloads_workers_that_say_so(reeve):
    daemon = reeve({"w": pool(worker("notify_worker"), Type="notify", ReloadSignal="SIGHUP",
                              scale={"Processes": 3})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    done = daemon.api.post("/v1/pools/w/reload", status=200, headers=HELD).json
    assert done["state"] == "done" and done["kind"] == "reload" and done["steps_done"] == 3
    assert sorted(done["kept"]) == sorted(before) and done["started"] == done["stopped"] == []
    assert daemon.pids("w") == before and texts(daemon, "w") == ["reloaded"] * 3
    assert "w was reloaded" in daemon.ctl("reload", "w").stdout


def test_the_state_is_reloading_until_ready_is_said(reeve, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    tmp_path.chmod(0o755)
    daemon = reeve({"w": pool(worker("notify", "READY=1", "wait-usr1", "RELOADING=1",
                                     f"wait-open={gate}", "READY=1"),
                              Type="notify", ReloadSignal="SIGUSR1")})
    daemon.wait_state("w")
    begun = daemon.api.post("/v1/pools/w/reload", status=202).json
    gate_fd = os.open(gate, os.O_WRONLY)  # waits until the worker is in the middle of it
    os.close(gate_fd)
    path = f"/v1/operations/{begun['operation']}"
    assert daemon.wait_until(lambda: (found := daemon.api.get(path).json)["state"] != "running"
                             and found)["state"] == "done"


def test_a_worker_that_is_ended_by_the_signal(reeve):
    daemon = reeve({"w": pool(worker("pause"), ReloadSignal="SIGHUP", scale={"Processes": 2})})
    daemon.wait_state("w")
    failed = daemon.api.post("/v1/pools/w/reload", status=200, headers=HELD).json
    assert failed["state"] == "failed" and failed["error"]["code"] == "reload-failed"
    assert "ended while it reloaded" in failed["error"]["detail"]
    daemon.wait_ready_pids("w", 2)


def command(script):
    return f"/bin/sh -c '{script}'"


def test_a_command_reloads_each_worker(reeve, tmp_path):
    report = tmp_path / "report"
    tmp_path.chmod(0o777)
    script = f"echo $$REEVE_SLOT $MAINPID $$REEVE_PID $$HOME_OF_W >>{report}; echo reloaded it"
    daemon = reeve({"w": pool(worker("pause"), ExecReload=command(script), Environment="HOME_OF_W=x",
                              scale={"Processes": 3})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    done = daemon.api.post("/v1/pools/w/reload", status=200, headers=HELD).json
    assert done["state"] == "done" and done["steps_done"] == 3
    assert sorted(report.read_text().splitlines()) == \
        [f"{slot} {pid} {pid} x" for slot, pid in enumerate(before)]
    assert daemon.pids("w") == before
    daemon.wait_log("w", "reloaded it")


@pytest.mark.parametrize("script, timeout, why", [
    ("exit 3", "60s", "exit code 3"), ("sleep 1000", "1s", "no end within 1s"),
    ("kill -9 $MAINPID", "60s", "ended")])
def test_a_command_that_fails_ends_the_reload(reeve, script, timeout, why):
    daemon = reeve({"w": pool(worker("pause"), ExecReload=command(script), TimeoutStartSec=timeout)})
    daemon.wait_state("w")
    failed = daemon.ctl("reload", "w", code=1)
    assert why in failed.stderr and "0 of 1 workers were reloaded" in failed.stderr
    daemon.wait_ready_pids("w", 1)


def test_a_reload_that_takes_too_long(reeve):
    daemon = reeve({"w": pool(worker("notify", "READY=1", "wait-usr1", "RELOADING=1"), Type="notify",
                              ReloadSignal="SIGUSR1", TimeoutStartSec="1s")})
    daemon.wait_state("w")
    before = daemon.pids("w")
    failed = daemon.ctl("reload", "w", code=1)
    assert "did not say READY=1 within TimeoutStartSec=" in failed.stderr
    assert daemon.pids("w") == before


@pytest.mark.parametrize("keys, body", [({}, {}), ({"ReloadSignal": "SIGHUP"}, {"rolling": True})])
def test_without_a_way_of_its_own_workers_are_replaced(reeve, keys, body):
    daemon = reeve({"w": pool(worker("notify_worker"), Type="notify", scale={"Processes": 2}, **keys)})
    daemon.wait_state("w")
    before = daemon.pids("w")
    done = daemon.api.post("/v1/pools/w/reload", body, status=200, headers=HELD).json
    assert done["state"] == "done" and set(before) <= set(done["stopped"])
    assert not set(daemon.pids("w")) & set(before)


def test_who_was_meant_to_stop_and_stayed_is_told_as_kept(reeve, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    good = pool(worker("notify"), Type="notify", scale={"Processes": 2})
    daemon = reeve({"w": good})
    before = daemon.wait_ready_pids("w", 2)
    daemon.write_pool("w", pool(worker("notify", f"wait-open={gate}", "READY=1"), Type="notify",
                                scale={"Processes": 2}))
    with daemon.events() as events:
        daemon.api.post("/v1/reload", status=200)
        replaced = events.wait("worker.started", pool="w")["pid"]
    done = daemon.api.post("/v1/pools/w/rollback", status=200, headers=HELD).json
    assert done["state"] == "done" and daemon.pids("w") == before
    assert sorted(done["kept"]) == sorted(before) and done["stopped"] == [replaced]


def test_a_pool_that_does_not_run_is_not_reloaded(reeve):
    daemon = reeve({"w": pool(worker("pause"))})
    daemon.ctl("stop", "w")
    refused = daemon.api.post("/v1/pools/w/reload", status=409)
    assert "start it instead" in refused.json["detail"]


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "reload"])
def test_a_dry_run_does_nothing(reeve, verb):
    daemon = reeve({"w": pool(worker("pause"), ReloadSignal="SIGHUP")})
    daemon.wait_state("w")
    before = daemon.pids("w")
    plan = daemon.api.post(f"/v1/pools/w/{verb}", {"dry_run": True}, status=200).json
    assert plan["state"] == "done" and daemon.pids("w") == before
    assert daemon.pool("w")["operation"] is None


# ---- rollback ----

@pytest.fixture
def daemon(reeve):
    daemon = reeve({"w": pool(worker("notify"), Type="notify",
                              scale={"Processes": 2, "ProcessesMax": 8})})
    daemon.wait_state("w")
    return daemon


def test_nothing_to_go_back_to(daemon):
    refused = daemon.api.post("/v1/pools/w/rollback", status=409)
    assert "nothing to go back to" in refused.json["detail"]
    daemon.ctl("rollback", "w", code=7)
    daemon.ctl("restart", "w", "--rolling")  # changes neither grid nor definition
    daemon.api.post("/v1/pools/w/rollback", status=409)


def test_back_to_the_grid_before_and_forth(daemon):
    before = daemon.pids("w")
    daemon.ctl("scale", "w", "-p", "4")
    done = daemon.api.post("/v1/pools/w/rollback", status=200, headers=HELD).json
    assert done["kind"] == "rollback" and done["state"] == "done"
    assert (done["from"]["processes"], done["to"]["processes"]) == (4, 2)
    assert daemon.pids("w") == before and not daemon.pool("w")["scale"]["overridden"]
    assert not (daemon.state / "control/w.pool.d/50-scale.conf").exists()
    assert "w is what it was before" in daemon.ctl("rollback", "w").stdout
    assert daemon.wait_state("w")["scale"]["processes"] == 4
    assert (daemon.state / "control/w.pool.d/50-scale.conf").exists()


def test_back_to_the_definition_before(daemon):
    daemon.write_pool("w", pool(worker("notify", "READY=1,STATUS=new"), Type="notify",
                                scale={"Processes": 2, "ProcessesMax": 8}))
    daemon.ctl("reload")
    assert texts(daemon, "w") == ["new", "new"]
    daemon.ctl("rollback", "w")
    assert "new" not in texts(daemon, "w") and daemon.pool("w")["processes"]["ready"] == 2
    assert any("older definition than its file" in text for text in daemon.warnings("w"))
    assert "older definition" in daemon.ctl("status", "w").stdout
    assert [row["action"] for row in daemon.api.post("/v1/reload", {"dry_run": True}).json["plan"]] \
        == ["restart", "restart"]
    daemon.ctl("reload")
    assert texts(daemon, "w") == ["new", "new"] and daemon.warnings("w") == [""]


def test_a_reload_of_the_pool_returns_to_the_file_too(daemon):
    daemon.write_pool("w", pool(worker("notify", "READY=1,STATUS=new"), Type="notify"))
    daemon.ctl("reload")
    daemon.ctl("rollback", "w")
    assert daemon.wait_state("w")["scale"]["processes"] == 2
    daemon.ctl("reload", "w")
    assert texts(daemon, "w") == ["new"] and daemon.warnings("w") == [""]


def test_a_running_change_is_rolled_back(daemon, tmp_path):
    before = daemon.pids("w")
    daemon.write_pool("w", pool(worker("notify", f"wait-open={tmp_path}/never"), Type="notify",
                                scale={"Processes": 2, "ProcessesMax": 8}))
    os.mkfifo(tmp_path / "never")
    tmp_path.chmod(0o755)
    daemon.api.post("/v1/reload", status=200)
    daemon.wait_until(lambda: len(daemon.workers("w")) > 2)
    daemon.ctl("rollback", "w")
    assert daemon.pids("w") == before


def test_a_dry_rollback(daemon):
    daemon.ctl("scale", "w", "-p", "4")
    before = daemon.pids("w")
    assert "4x1 -> 2x1" in daemon.ctl("rollback", "w", "--dry-run").stdout
    assert daemon.pids("w") == before


# ---- essential pools ----

@pytest.mark.parametrize("how, code", [(0, 0), (42, 42), (-9, 137)])
def test_an_essential_pool_that_ends_takes_reeved_along(reeve, tmp_path, how, code):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    tmp_path.chmod(0o755)
    end = [f"exit-{how}"] if how >= 0 else ["READY=1"]
    daemon = reeve({"main": pool(worker("notify", "READY=1", f"wait-open={gate}", *end),
                                 Type="notify", Restart="no", Essential="yes"),
                    "side": pool(worker("pause"))})
    daemon.wait_state("side")
    pid = daemon.wait_ready_pids("main", 1)[0]
    if how < 0:
        os.kill(pid, signal.SIGKILL)
    else:
        os.close(os.open(gate, os.O_WRONLY))
    assert daemon.wait() == code
    daemon.check_end()


def test_an_essential_pool_comes_back_as_its_policy_says_first(reeve):
    daemon = reeve({"main": pool(worker("crash", 3), Type="notify", Essential="yes", RestartSec="1ms",
                                 StartLimitBurst=3)}, start=False)
    daemon.start()
    assert daemon.wait() == 3
    assert daemon.stderr().count("worker 0 ended: code 3") == 3
