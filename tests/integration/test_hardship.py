"""What happens at bad moments: reloads while stopping, crashes while stopping, shortages, floods."""

import os
import resource
import signal
import socket
import subprocess

import pytest

import processes
from reeve import HELD, pool, worker


def kept(daemon, name):
    return daemon.state / "control" / f"{name}.pool.d" / "50-scale.conf"


def test_spawn_rate_may_go_away(reeve):
    daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 8})}, conf={"SpawnRate": 2})
    daemon.write_conf({})
    daemon.signal(signal.SIGHUP)
    daemon.wait_state("w")
    assert len(daemon.pids("w")) == 8


def test_spawn_rate_spreads_starts(reeve):
    daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 4})}, conf={"SpawnRate": 20})
    daemon.wait_state("w")
    started = [row["start_time"] for row in daemon.workers("w")]
    assert len(set(started)) == 4 and started == sorted(started)


def test_no_reload_while_stopping(reeve, tmp_path):
    daemon = reeve({"w": pool(worker("ignore_term", tmp_path / "pids"), Type="notify",
                              TimeoutStopSec="500ms")})
    daemon.wait_state("w")
    daemon.write_pool("late", pool(worker("pause")))
    with daemon.events() as events:
        daemon.signal(signal.SIGTERM)
        events.wait("daemon.stopping")
    daemon.signal(signal.SIGHUP)
    assert daemon.wait() == 0
    daemon.check_end()
    assert "pool late" not in daemon.stderr()


def test_a_failed_restart_keeps_the_scale(reeve, tmp_path):
    broken = tmp_path / "broken"
    daemon = reeve({"w": pool(f"/bin/sh -c 'test ! -e {broken} || exit 9; exec {worker('pause')}'",
                              RestartSec="10ms")})
    daemon.wait_state("w")
    daemon.scale("w", {"processes": 3})
    broken.touch()
    reply = daemon.api.post("/v1/pools/w/restart", status=200, headers=HELD).json
    assert reply["state"] in ("failed", "rolled-back")
    assert kept(daemon, "w").exists() and daemon.pool("w")["processes"]["wanted"] == 3
    broken.unlink()


def test_a_crash_during_a_change_is_told_to_who_waits(reeve, tmp_path):
    """The new reeved counts its operations anew: no other one's end is taken for this one's."""
    later, gate = tmp_path / "later", tmp_path / "gate"
    os.mkfifo(gate)
    script = (f"test -e {later} && exec {worker('notify', f'wait-open={gate}', 'READY=1')}; "
              f"exec {worker('notify')}")
    daemon = reeve({"w": pool(f"/bin/sh -c '{script}'", Type="notify"),
                    **{f"other{i}": pool(worker("pause")) for i in range(3)}})
    daemon.wait_state("w")
    later.touch()
    with daemon.events() as events:
        waiting = subprocess.Popen(daemon.ctl_command("restart", "--rolling", "w"), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        events.wait("worker.started", pool="w")
    daemon.kill()
    daemon.start()
    _, told = waiting.communicate(timeout=60)
    # The first second is one held request, which reeve-api ends; after that reevectl asks again.
    assert (waiting.returncode == 1 and "reeved was started anew" in told
            or waiting.returncode == 6 and "whether the change was begun" in told), told


def test_a_rolled_back_version_does_not_come_back(reeve):
    daemon = reeve({"w": pool(worker("pause"), RestartSec="10ms")})
    daemon.wait_state("w")
    before = daemon.pids("w")
    daemon.write_pool("w", pool(worker("crash", 9), Restart="no"))
    with daemon.events() as events:
        daemon.signal(signal.SIGHUP)
        assert events.wait("pool.operation", pool="w")["detail"]["state"] == "rolled-back"
    # The good text again: nothing moves, since that is what runs.
    daemon.write_pool("w", pool(worker("pause"), RestartSec="10ms", Description="good again"))
    daemon.api.post("/v1/reload", status=200)
    assert daemon.pids("w") == before
    os.kill(before[0], signal.SIGKILL)
    daemon.wait_until(lambda: (pids := daemon.pids("w")) and pids != before
                      and daemon.workers("w")[0]["ready"])


def test_limits_that_shrink_cut_the_scale(reeve):
    daemon = reeve({"w": pool(worker("pause"), scale={"ProcessesMax": 8})})
    daemon.wait_state("w")
    daemon.scale("w", {"processes": 6})
    daemon.write_pool("w", pool(worker("pause"), scale={"ProcessesMax": 2}))
    daemon.api.post("/v1/reload", status=200)
    daemon.wait_ready_pids("w", 2)
    assert "6x1" in " ".join(daemon.warnings("w"))
    assert "Processes=2" in kept(daemon, "w").read_text()


def test_a_listener_that_moves(reeve):
    daemon = reeve({"w": pool(worker("pause"))}, start=False)
    first, second = daemon.folder / "a.sock", daemon.folder / "b.sock"
    daemon.write_pool("w", pool(worker("pause"), listen={"ListenStream": first}))
    daemon.start()
    daemon.wait_state("w")
    assert first.is_socket()
    daemon.write_pool("w", pool(worker("pause"), listen={"ListenStream": second}))
    with daemon.events() as events:
        daemon.signal(signal.SIGHUP)
        assert events.wait("pool.operation", pool="w")["detail"]["state"] == "done"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(second))
    assert daemon.pool("w")["listeners"] == [str(second)]


@pytest.mark.parametrize("families", ["cgroup", "descent"])
def test_a_crash_while_stopping_leaves_nobody(reeve, tmp_path, families):
    environment = {"REEVE_TEST_FAMILIES": "descent"} if families == "descent" else {}
    daemon = reeve({"w": pool(worker("ignore_term", tmp_path / "pids", "leader-exits"),
                              Type="notify", TimeoutStopSec="3s")}, environment=environment)
    daemon.wait_state("w")
    family = {line.split()[0]: int(line.split()[1])
              for line in (tmp_path / "pids").read_text().splitlines()}
    daemon.api.post("/v1/pools/w/stop", status=202)
    processes.wait_gone([family["leader"]])
    daemon.kill()
    assert processes.is_alive(family["stray"])
    daemon.start()
    processes.wait_gone(list(family.values()))
    daemon.wait_state("w", "stopped")


def test_t10_without_descriptors_it_waits_and_recovers(reeve):
    daemon = reeve({"w": pool(worker("pause"), RestartSec="10ms", RestartMaxDelaySec="50ms",
                              StartLimitBurst=2)})
    daemon.wait_state("w")
    _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (used, hard))
    with daemon.events() as events:
        daemon.api.patch("/v1/pools/w/scale", {"processes": 20}, 202)
        events.wait("pool.operation", pool="w")
    assert len(daemon.pids("w")) >= 1
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (hard, hard))
    daemon.api.patch("/v1/pools/w/scale", {"processes": 20}, None)
    daemon.wait_ready_pids("w", 20)


def test_t27_floods_hold_up_nothing(reeve):
    daemon = reeve({f"f{i}": pool("/usr/bin/yes", log={"MaxSize": "1M", "MaxFiles": 1})
                    for i in range(8)} | {"w": pool(worker("pause"), RestartSec="10ms")})
    daemon.wait_state("w")
    before = daemon.pids("w")
    with daemon.events() as events:
        os.kill(before[0], signal.SIGKILL)
        events.wait("worker.ready", pool="w")
    pid = daemon.pids("w")[0]
    # The state on disk follows, so a crash of reeved now would lose nobody.
    daemon.wait_kept(f"pid={pid} ")


def test_a_bad_line_of_tokens_is_left_out(reeve, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"ad:admin:{'0' * 64}\ngood:view:{'0' * 64}\nbad:view\n")
    daemon = reeve({"w": pool(worker("pause"))},
                   conf={"ListenHTTP": "127.0.0.1:0", "TokenFile": tokens})
    warnings = " ".join(item["message"] for item in daemon.api.get("/v1/").json["warnings"])
    assert "line 1 is left out: the role must be view or operate" in warnings
    assert "line 3 is left out" in warnings and "line 2" not in warnings


def test_a_start_waits_for_the_start_under_way(reeve):
    daemon = reeve({"w": pool("/bin/sleep 1000", Type="notify", TimeoutStartSec="20s")})
    daemon.wait_state("w", "starting")
    first = daemon.api.post("/v1/pools/w/start", status=202).json
    second = daemon.api.post("/v1/pools/w/start", status=202).json
    assert first["state"] == second["state"] == "running"
    assert first["operation"] == second["operation"]


def test_what_was_done_is_not_done_again(reeve, tmp_path):
    ran = tmp_path / "ran"
    daemon = reeve({"once": pool(f"/bin/sh -c 'echo x >> {ran}'", Restart="no"),
                    "bad": pool(worker("crash", 3), Restart="no")})
    daemon.wait_state("once", "stopped")
    daemon.wait_state("bad", "failed")
    daemon.wait_kept("state=failed", "state=exited")
    daemon.kill()
    daemon.start()
    assert daemon.wait_state("bad", "failed")["processes"]["total"] == 0
    assert ran.read_text() == "x\n"


def test_mode_alone(reeve):
    daemon = reeve({"w": pool(worker("pause"))})
    daemon.wait_state("w")
    daemon.api.patch("/v1/pools/w/scale", {"mode": "manual"}, 200)
    assert daemon.api.patch("/v1/pools/w/scale", {"mode": "auto"}, 422).code == "not-supported"
