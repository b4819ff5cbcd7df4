"""How workers come up, fail, and come back."""

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal

import pytest
from client import wait_seen
from reeve import BUILD, PYTHON, ROOT, SANITIZED, pool, worker

QUICK = {"RestartSec": "10ms", "RestartMaxDelaySec": "50ms", "StartLimitBurst": 4}


def the_worker(daemon, name):
    """The one row of a pool with one slot, whatever its state."""
    items = daemon.api.get(f"/v1/workers?pool={name}").json["items"]
    assert len(items) == 1
    return items[0]


# ---- readiness ----

def test_exec_is_ready_when_the_command_runs(reeve):
    daemon = reeve({"sleepers": pool(worker("pause"), scale={"Processes": 3})})
    daemon.wait_state("sleepers")
    workers = daemon.workers("sleepers")
    assert [item["slot"] for item in workers] == [0, 1, 2]
    assert all(item["state"] == "ready" and item["ready"] for item in workers)
    assert len(set(daemon.pids("sleepers"))) == 3


def test_notify_is_ready_when_it_says_so(reeve):
    words = worker("notify", "STATUS=warming", "wait-usr1", "READY=1,STATUS=warm")
    daemon = reeve({"slow": pool(words, Type="notify")})
    # A signal before it listens to it would end it.
    found, = wait_seen(lambda: [row for row in daemon.workers("slow")
                                if row["status_text"] == "warming"])
    assert not found["ready"] and daemon.pool("slow")["state"] == found["state"] == "starting"
    with daemon.events() as events:
        os.kill(found["pid"], signal.SIGUSR1)
        events.wait("worker.ready", pool="slow", pid=found["pid"])
    assert daemon.wait_state("slow")["processes"]["ready"] == 1


def test_notify_too_late(reeve):
    daemon = reeve({"never": pool(worker("notify", "wait-usr1"), Type="notify", Restart="no",
                                  TimeoutStartSec="100ms")})
    daemon.wait_state("never", "failed")
    last_exit = the_worker(daemon, "never")["last_exit"]
    assert last_exit["reason"] == "start-timeout"


# ---- the policy ----

@pytest.mark.parametrize("policy, code, is_restarted", [
    ("no", 1, False), ("no", -9, False),
    ("on-success", 0, True), ("on-success", 1, False),
    ("on-failure", 0, False), ("on-failure", 1, True), ("on-failure", -9, True),
    ("on-abnormal", 1, False), ("on-abnormal", -9, True),
    ("on-abort", 1, False), ("on-abort", -6, True),
    ("always", 0, True), ("always", 1, True),
])
def test_restart_policy(reeve, policy, code, is_restarted):
    daemon = reeve({"w": pool(worker("crash", code), Restart=policy, **QUICK)})
    with daemon.events(since=0) as events:
        events.wait("worker.exited", pool="w")
        if is_restarted:
            events.wait("worker.started", pool="w")
            events.wait("worker.exited", pool="w")
        else:
            events.wait_until(lambda: the_worker(daemon, "w")["state"] in ("exited", "failed"))
            assert the_worker(daemon, "w")["restarts"] == 0
    last_exit = the_worker(daemon, "w")["last_exit"]
    if code >= 0:
        assert last_exit["code"] == code
    else:
        assert last_exit["signal"] == signal.Signals(-code).name


def test_a_killed_worker_is_replaced(reeve):
    daemon = reeve({"w": pool(worker("pause"), RestartSec="10ms", scale={"Processes": 2})})
    daemon.wait_state("w")
    kept, killed = daemon.pids("w")
    with daemon.events() as events:
        os.kill(killed, signal.SIGKILL)
        exited = events.wait("worker.exited", pool="w", pid=killed)
        started = events.wait("worker.started", pool="w")
        events.wait("worker.ready", pool="w", pid=started["pid"])
    assert exited["slot"] == started["slot"] == 1
    assert daemon.pids("w") == [kept, started["pid"]]
    row = daemon.workers("w")[1]
    assert row["restarts"] == 1 and row["last_exit"]["signal"] == "SIGKILL"
    assert daemon.pool("w")["restarts"] == 1


def test_back_off_grows(reeve):
    daemon = reeve({"w": pool(worker("crash", 1), RestartSec="40ms", RestartMaxDelaySec="10s",
                              StartLimitBurst=4)})
    with daemon.events(since=0) as events:
        moments = [datetime.datetime.fromisoformat(events.wait("worker.started", pool="w")["time"])
                   for _ in range(4)]
        events.wait("worker.exited", pool="w")
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(moments, moments[1:])]
    # 40, 80, 160 ms less a quarter at most; only lower bounds hold on a busy machine.
    assert sum(gaps) >= 0.75 * 0.28 - 0.02 and gaps[2] > 0.1


def test_start_limit_and_a_persons_start(reeve, tmp_path):
    mended = tmp_path / "mended"
    daemon = reeve({"w": pool(worker("crash", 7, 0, mended), Type="exec", **QUICK)})
    daemon.wait_state("w", "failed")
    past = daemon.api.get("/v1/events?since=0&limit=5000").json["items"]
    started = [event for event in past if event["type"] == "worker.started" and event["pool"] == "w"]
    assert len(started) == QUICK["StartLimitBurst"]
    assert the_worker(daemon, "w")["last_exit"]["code"] == 7
    assert daemon.pool("w")["last_error"]
    mended.touch()
    daemon.api.post("/v1/pools/w/start", status=202)
    assert daemon.wait_state("w")["processes"]["ready"] == 1


def test_watchdog(reeve):
    daemon = reeve({"w": pool(worker("notify"), Type="notify", WatchdogSec="100ms", Restart="no")})
    with daemon.events(since=0) as events:
        events.wait("worker.exited", pool="w")
    last_exit = daemon.wait_until(lambda: the_worker(daemon, "w")["last_exit"])
    assert last_exit["reason"] == "watchdog"


def test_essential_pool_ends_the_daemon(reeve):
    daemon = reeve({"main": pool(worker("crash", 42, 50), Restart="no", Essential="yes"),
                    "side": pool(worker("pause"))}, start=False)
    daemon.start(ready=False)
    assert daemon.wait() == 42
    daemon.check_end()


# ---- what a worker is given ----

def report_of(daemon, path, name):
    daemon.wait_state(name)
    return json.loads(path.read_text().splitlines()[-1])


def test_what_a_worker_is_given(reeve, tmp_path):
    report, extra = tmp_path / "report", tmp_path / "extra"
    extra.write_text("# comment\nFROM_FILE=\"a b\"\n")
    text = pool(worker("notify_worker", report, "${GIVEN}", "$FROM_FILE", "$$"), Type="notify",
                Environment="GIVEN=one", EnvironmentFile=extra, WorkingDirectory=tmp_path,
                UMask="0027", Nice="5", CPUAffinity="0", LimitNOFILE="123:456", OOMScoreAdjust="100",
                NoNewPrivileges="yes", scale={"Threads": 3}, listen={"ListenStream": "127.0.0.1:0"})
    given = report_of(reeve({"w": text}), report, "w")
    environment = given["environment"]
    assert given["argv"][2:] == ["one", "a", "b", "$"]
    assert (environment["REEVE_POOL"], environment["REEVE_SLOT"]) == ("w", "0")
    assert environment["REEVE_THREADS"] == "3" and environment["REEVE_INSTANCE"]
    assert environment["LISTEN_FDS"] == "1" and environment["LISTEN_PID"] == str(given["pid"])
    assert given["descriptors"]["3"].startswith("socket:")
    assert set(given["descriptors"]) <= {"0", "1", "2", "3"} | listing_descriptors(given)
    assert given["cwd"] == str(tmp_path) and given["umask"] == 0o027 and given["nice"] == 5
    assert given["affinity"] == [0] and given["limits"]["RLIMIT_NOFILE"] == [123, 456]
    assert given["oom_score_adjust"] == 100 and given["no_new_privs"] == "1"
    assert int(given["blocked"], 16) == 0
    assert given["session"] == given["pid"]


def test_workers_do_not_inherit_the_oom_score_of_reeved(reeve, tmp_path):
    """A key of the pool wins; without one it is 0, whatever reeved itself has."""
    plain, own = tmp_path / "plain", tmp_path / "own"
    daemon = reeve({"plain": pool(worker("notify_worker", plain), Type="notify"),
                    "own": pool(worker("notify_worker", own), Type="notify", OOMScoreAdjust="70")},
                   prefix=["choom", "-n", "100", "--"])
    assert report_of(daemon, own, "own")["oom_score_adjust"] == 70
    # Lowering it takes CAP_SYS_RESOURCE, bit 24.
    lowers = int(re.search(r"CapEff:\s*(\w+)",
                           pathlib.Path("/proc/self/status").read_text())[1], 16) >> 24 & 1
    assert report_of(daemon, plain, "plain")["oom_score_adjust"] == (0 if lowers else 100)
    with open(f"/proc/{daemon.pid}/oom_score_adj", encoding="ascii") as score:
        assert score.read().strip() == "100"  # it did not become that of the worker


def listing_descriptors(given):
    """The descriptor through which the worker listed its own: /proc/PID/fd."""
    return {number for number, target in given["descriptors"].items() if target.endswith("/fd")}


@pytest.mark.root
def test_another_user(reeve):
    daemon = reeve({}, start=False)
    folder = daemon.folder / "nobody"
    folder.mkdir()
    folder.chmod(0o777)
    script = folder / "notify_worker.py"
    script.write_text((ROOT / "tests/workers/notify_worker.py").read_text())
    daemon.write_pool("w", pool(f"{PYTHON} {script} {folder}/report", Type="notify", User="nobody"))
    given = report_of(daemon.start(), folder / "report", "w")
    assert given["uid"] == 65534 and given["gid"] == 65534
    assert given["environment"]["USER"] == "nobody"


@pytest.mark.parametrize("keys, sentence", [
    ({"ExecStart": "/nonexistent/program"}, "/nonexistent/program"),
    ({"WorkingDirectory": "/nonexistent/folder"}, "/nonexistent/folder"),
    ({"EnvironmentFile": "/nonexistent/file"}, "/nonexistent/file"),
])
def test_a_failing_step_is_a_sentence(reeve, keys, sentence):
    keys = {"ExecStart": worker("pause"), "Restart": "no", **keys}
    daemon = reeve({"w": pool(keys.pop("ExecStart"), **keys)})
    daemon.wait_state("w", "failed")
    assert any(sentence in text for text in daemon.warnings("w"))
    assert the_worker(daemon, "w")["last_exit"]["reason"] == "spawn-failed"


@contextlib.contextmanager
def unopenable(path):
    """Whoever opens the file, exec too, waits until the context ends: somebody holds a lease on it."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    fd = os.open(path, os.O_RDONLY)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        yield
    finally:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(fd)
        signal.signal(signal.SIGIO, before)


# Under a sanitizer the core waits for exec: then only reeve-exec may hang.
@pytest.mark.parametrize("keys", [{}] * (not SANITIZED) + [{"WorkingDirectory": "/"}], ids=str)
def test_exec_that_hangs_holds_up_nobody(reeve, tmp_path, keys):
    program = tmp_path / "slow"
    shutil.copy(BUILD / "tests/workers/worker-pause", program)
    daemon = reeve({"slow": pool(program, scale={"Processes": 0, "ProcessesMax": 4}, **keys),
                    "other": pool(worker("pause"), RestartSec="0")})
    daemon.wait_state("other")
    with unopenable(program), daemon.events() as events:
        daemon.api.patch("/v1/pools/slow/scale", {"processes": 4})
        wait_seen(lambda: [row["state"] for row in daemon.workers("slow")] == ["spawning"] * 4)
        killed = the_worker(daemon, "other")["pid"]
        os.kill(killed, signal.SIGKILL)
        events.wait("worker.exited", pid=killed)
        events.wait("worker.ready", pool="other")
        assert [row["state"] for row in daemon.workers("slow")] == ["spawning"] * 4
    daemon.wait_state("slow")


@pytest.mark.parametrize("way", ["REEVE_TEST_NO_CLONE3", "REEVE_TEST_WAIT_FOR_EXEC"])
def test_without_the_gifts_of_newer_kernels(reeve, way):
    daemon = reeve({"w": pool(worker("notify"), Type="notify", scale={"Processes": 2})},
                   environment={way: "1"})
    daemon.wait_state("w")
    with daemon.events() as events:
        killed = daemon.pids("w")[0]
        os.kill(killed, signal.SIGKILL)
        events.wait("worker.exited", pid=killed)
        events.wait("worker.ready", pool="w")
