"""Probes: when a worker counts as ready, as unwell, and as hung; what is done about it."""

import contextlib
import os
import signal
import socket

import pytest

import processes
from client import wait_seen
from reeve import pool, worker

# Whoever is well answers three probes within three seconds, on a busy machine too.
QUICK = {"IntervalSec": "40ms", "TimeoutSec": "1s", "Failures": 3}
UNWELL = ("worker.unready", "worker.unhealthy", "worker.exited")


def free_port():
    """A port that nobody has on any loopback address at the moment."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


def page(tmp_path, *words, count=1, health=None, **keys):
    """A pool whose workers listen at 127.0.0.10, .11, .12... each on the same port."""
    port = free_port()
    return pool(worker("http_worker", "127.0.0.1${REEVE_SLOT}", port, tmp_path, *words),
                scale={"Processes": count}, RestartSec="10ms",
                health={"Http": f"http://127.0.0.1${{REEVE_SLOT}}:{port}/healthz", **QUICK,
                        **(health or {})}, **keys)


def shell(script):
    """What the shell is to replace is written $$ to reeve."""
    return f"/bin/sh -c '{script.replace('$', '$$')}'"


def health_of(daemon, name="w", slot=0):
    return daemon.workers(name)[slot]["health"]


def unwell(daemon):
    """All that was ever told of workers that are not well."""
    past = daemon.api.get("/v1/events?since=0&limit=5000").json["items"]
    return [event for event in past if event["type"] in UNWELL]


@contextlib.contextmanager
def taken_port():
    """(port, socket): nobody else gets the port, and nobody is there until the socket listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server.getsockname()[1], server


# ---- readiness ----

def test_a_worker_is_ready_when_its_page_answers(reeve, tmp_path):
    daemon = reeve({"w": page(tmp_path, "wait")})
    found = daemon.wait_until(lambda: [row for row in daemon.workers("w")
                                       if row["state"] == "starting"])
    assert not found[0]["ready"] and daemon.pool("w")["state"] == "starting"
    daemon.ctl("wait", "w", "--for=ready", "--timeout", "1", code=5)
    (tmp_path / "go").touch()
    daemon.ctl("wait", "w", "--for=ready")
    health = health_of(daemon)
    assert (health["kind"], health["status"], health["shared"]) == ("http", "healthy", False)
    assert health["consecutive_failures"] == 0 and health["last_error"] is None
    assert health["last_probe_time"]


def test_never_ready_is_a_start_timeout(reeve, tmp_path):
    daemon = reeve({"w": page(tmp_path, "wait", TimeoutStartSec="300ms", Restart="no")})
    daemon.wait_state("w", "failed")
    items = daemon.api.get("/v1/workers?pool=w").json["items"]
    assert items[0]["last_exit"]["reason"] == "start-timeout"


def test_notify_is_ready_by_its_word(reeve, tmp_path):
    daemon = reeve({"w": pool(worker("notify", "STATUS=up", "wait-usr1", "READY=1"), Type="notify",
                              health={"Exec": "/bin/true", **QUICK})})
    # A signal before it listens to it would end it.
    found = wait_seen(lambda: [row for row in daemon.workers("w") if row["status_text"] == "up"])
    assert found[0]["state"] == "starting"
    os.kill(found[0]["pid"], signal.SIGUSR1)
    daemon.wait_state("w")
    wait_seen(lambda: health_of(daemon)["status"] == "healthy")


# ---- liveness ----

def test_a_hung_worker_is_dumped_and_replaced(reeve, tmp_path):
    dump = tmp_path / "dump"
    script = f"echo dump-of $REEVE_POOL/$REEVE_SLOT; readlink /proc/$REEVE_PID/exe >{dump}"
    daemon = reeve({"w": page(tmp_path, count=2, health={"ExecDump": shell(script)})})
    kept, hung = daemon.wait_ready_pids("w", 2)
    with daemon.events() as events:
        (tmp_path / f"hang-{hung}").touch()
        unready = events.wait("worker.unready", pool="w", pid=hung)
        unhealthy = events.wait("worker.unhealthy", pool="w", pid=hung)
        exited = events.wait("worker.exited", pool="w", pid=hung)
        events.wait("worker.ready", pool="w", slot=1)
    assert "no answer" in unready["detail"]["error"]
    assert unhealthy["detail"]["reason"] == "probe"
    assert exited["detail"]["reason"] == "probe" and exited["detail"]["signal"] == "SIGABRT"
    assert daemon.pids("w")[0] == kept
    row = daemon.workers("w")[1]
    assert row["last_exit"]["reason"] == "probe" and row["restarts"] == 1
    # It lived when it was looked at, and what was said is in its own log.
    assert "python" in dump.read_text()
    daemon.wait_log("w", "dump-of w/1")
    assert "dump-of w/1" in daemon.log("w", 1).read_text()


def test_a_slow_worker_is_kept(reeve, tmp_path):
    (tmp_path / "slow").write_text("0.1")
    daemon = reeve({"w": page(tmp_path, health={"TimeoutSec": "20s"})})
    pids = daemon.wait_ready_pids("w", 1)
    first = health_of(daemon)["last_probe_time"]
    wait_seen(lambda: health_of(daemon)["last_probe_time"] != first)
    assert unwell(daemon) == [] and daemon.pids("w") == pids


def test_an_unready_worker_recovers(reeve, tmp_path):
    """Answers at once, and not well: unready. Well again before it counts as hung: kept."""
    daemon = reeve({"w": page(tmp_path, health={"Failures": 1000, "IntervalSec": "10ms",
                                               "TimeoutSec": "20s"})})
    pids = daemon.wait_ready_pids("w", 1)
    (tmp_path / "fail").touch()
    with daemon.events() as events:
        event = events.wait("worker.unready", pool="w")
        assert "status 500" in event["detail"]["error"]
        (tmp_path / "fail").unlink()
        events.wait("worker.ready", pool="w")
    assert daemon.pids("w") == pids and daemon.workers("w")[0]["restarts"] == 0


def test_t20_a_stopped_worker_is_replaced(reeve, tmp_path):
    daemon = reeve({"w": page(tmp_path)})
    stopped = daemon.wait_ready_pids("w", 1)[0]
    with daemon.events() as events:
        os.kill(stopped, signal.SIGSTOP)
        exited = events.wait("worker.exited", pool="w", pid=stopped)
        events.wait("worker.ready", pool="w")
    assert exited["detail"]["reason"] == "probe"
    # And one that is asked to stop does, though it is stopped.
    os.kill(daemon.pids("w")[0], signal.SIGSTOP)
    daemon.ctl("stop", "w")
    assert not daemon.pids("w")


def test_t18_a_pause_of_reeved_kills_nobody(reeve, tmp_path):
    """The deadlines of a watchdog and of a probe pass while reeved is stopped."""
    fifo = tmp_path / "beats"
    os.mkfifo(fifo)
    (tmp_path / "slow").write_text("0.5")
    daemon = reeve({"w": page(tmp_path, health={"Failures": 1, "TimeoutSec": "4s"}),
                    "dog": pool(worker("heartbeat", fifo), Type="notify", WatchdogSec="4s")})
    page_pid, dog = daemon.wait_ready_pids("w", 1)[0], daemon.wait_ready_pids("dog", 1)[0]
    with open(fifo, "rb", buffering=0) as beats:
        os.set_blocking(beats.fileno(), True)
        daemon.signal(signal.SIGSTOP)
        os.read(beats.fileno(), 65536)
        for _ in range(100):  # at 50 ms each
            assert os.read(beats.fileno(), 1)
        daemon.signal(signal.SIGCONT)
        first = health_of(daemon)["last_probe_time"]
        wait_seen(lambda: health_of(daemon)["last_probe_time"] != first)
        assert daemon.pids("w") + daemon.pids("dog") == [page_pid, dog]
        assert unwell(daemon) == []


# ---- the other kinds ----

def test_exec(reeve, tmp_path):
    """In the worker's environment, with its PID; hung probes are ended at their timeout."""
    script = f"test -e {tmp_path}/sick-$REEVE_PID && exit 3; test $REEVE_POOL = w"
    daemon = reeve({"w": pool(worker("pause"), RestartSec="10ms", scale={"Processes": 2},
                              health={"Exec": shell(script), **QUICK, "TimeoutSec": "60s"})})
    pids = daemon.wait_ready_pids("w", 2)
    with daemon.events() as events:
        (tmp_path / f"sick-{pids[1]}").touch()
        event = events.wait("worker.unhealthy", pool="w", pid=pids[1])
        assert event["detail"]["error"] == "exit code 3"
        events.wait("worker.ready", pool="w", slot=1)
    assert daemon.pids("w")[0] == pids[0]


@pytest.mark.parametrize("families", ["cgroup", "descent"])
def test_a_hung_command_is_ended_with_all_it_began(reeve, tmp_path, families):
    environment = {"REEVE_TEST_FAMILIES": "descent"} if families == "descent" else {}
    script = f"test -e {tmp_path}/go || exit 0; setsid sleep 1000 & echo $! >>{tmp_path}/pids; wait"
    daemon = reeve({"w": pool(worker("pause"), health={
        "Exec": shell(script), "IntervalSec": "10ms", "TimeoutSec": "300ms", "Failures": 1000})},
        environment=environment)
    pids = daemon.wait_ready_pids("w", 1)
    (tmp_path / "go").touch()
    # The first ones may be ended before they have begun anything.
    wait_seen(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
    wait_seen(lambda: health_of(daemon)["consecutive_failures"] >= 2)
    began = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert "no end within" in health_of(daemon)["last_error"]
    processes.wait_gone(began[:1])
    assert daemon.pids("w") == pids
    (tmp_path / "go").unlink()
    wait_seen(lambda: health_of(daemon)["status"] == "healthy")


def test_the_commands_end_with_reeved(reeve, tmp_path):
    """kill -9 of reeved ends the probe that runs, and no worker."""
    report = tmp_path / "pid"
    script = f"test -e {report} && exit 0; echo $$ >{report}.new; mv {report}.new {report}; sleep 1000"
    daemon = reeve({"w": pool(worker("pause"), health={"Exec": shell(script), "IntervalSec": "10ms",
                                                       "TimeoutSec": "1000s"})})
    wait_seen(report.exists)
    probe, pids = int(report.read_text()), daemon.pids("w")
    daemon.crash()
    processes.wait_gone([probe])
    daemon.start()
    assert daemon.wait_ready_pids("w", 1) == pids


def test_tcp(reeve):
    """A port that nobody accepts at, then one where the kernel itself does."""
    with taken_port() as (port, server):
        daemon = reeve({"w": pool(worker("pause"), RestartSec="10ms",
                                  health={"Tcp": f"127.0.0.1:{port}", **QUICK})})
        wait_seen(lambda: (rows := daemon.workers("w")) and rows[0]["health"]["last_error"])
        assert not daemon.workers("w")[0]["ready"]
        server.listen(100)
        pids = daemon.wait_ready_pids("w", 1)
        with daemon.events() as events:
            server.close()
            event = events.wait("worker.unhealthy", pool="w", pid=pids[0])
    assert "cannot connect" in event["detail"]["error"]


def test_one_address_for_all_replaces_nobody(reeve):
    with taken_port() as (port, server):
        daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 3},
                                  health={"Tcp": f"127.0.0.1:{port}", **QUICK, "Failures": 1})})
        assert any("REEVE_SLOT" in text for text in daemon.warnings("w"))
        server.listen(100)
        pids = daemon.wait_ready_pids("w", 3)
    wait_seen(lambda: all(row["state"] == "unready" and row["health"]["consecutive_failures"] > 4
                          for row in daemon.workers("w")))
    rows = daemon.workers("w")
    assert [row["pid"] for row in rows] == pids and all(row["health"]["shared"] for row in rows)


# ---- over the life of reeved ----

def test_adopted_workers_are_probed(reeve, tmp_path):
    daemon = reeve({"w": page(tmp_path, count=2)})
    kept, hung = daemon.wait_ready_pids("w", 2)
    daemon.crash()
    daemon.start()
    wait_seen(lambda: all(row["health"]["status"] == "healthy"
                                  for row in daemon.workers("w")))
    assert daemon.pids("w") == [kept, hung]
    with daemon.events() as events:
        (tmp_path / f"hang-{hung}").touch()
        assert events.wait("worker.unhealthy", pool="w", pid=hung)["detail"]["reason"] == "probe"
        events.wait("worker.ready", pool="w", slot=1)
    assert daemon.pids("w")[0] == kept


@pytest.mark.root
def test_a_command_without_its_account_is_not_run(reeve):
    """An account that is not found any more must not make root's command of the worker's."""
    health = {"Exec": shell("test $(id -u) -ne 0"), **QUICK, "TimeoutSec": "60s", "Failures": 1000}
    daemon = reeve({"w": pool(worker("pause"), User="nobody", health=health)})
    pids = daemon.wait_ready_pids("w", 1)
    daemon.crash()
    daemon.write_pool("w", pool(worker("pause"), User="no-such-user", health=health))
    daemon.start()
    error = wait_seen(lambda: (rows := daemon.workers("w")) and rows[0]["health"]["last_error"])
    assert "no such user" in error and daemon.pids("w") == pids


def test_a_reload_takes_the_probe_away(reeve):
    """Who waited for it waits no more, and no worker moves."""
    text = {"Exec": "/bin/false", **QUICK}
    daemon = reeve({"w": pool(worker("pause"), health=text)})
    found = daemon.wait_until(lambda: [row for row in daemon.workers("w")
                                       if row["state"] == "starting"])
    daemon.write_pool("w", pool(worker("pause")))
    daemon.ctl("reload")
    assert daemon.wait_ready_pids("w", 1) == [found[0]["pid"]]
    assert health_of(daemon) is None
