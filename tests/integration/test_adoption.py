"""The death of reeved kills no worker and doubles none: kill -9, start again, all are adopted."""

import http.client
import os
import signal

import pytest

import processes
import reeve as harness
from reeve import HELD, pool, worker


def crash_and_start(daemon):
    daemon.crash()
    daemon.start()


@pytest.fixture(params=["cgroup", "descent"])
def families(request):
    return {"REEVE_TEST_FAMILIES": "descent"} if request.param == "descent" else {}


def test_t01_the_same_workers_go_on(reeve, families):
    daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 8})}, environment=families)
    daemon.wait_state("w")
    before, generation = daemon.pids("w"), daemon.pool("w")["generation"]
    crash_and_start(daemon)
    daemon.wait_state("w")
    assert daemon.pids("w") == before
    assert all(row["adopted"] and row["restarts"] == 0 for row in daemon.workers("w"))
    assert daemon.pool("w")["generation"] == generation


def test_t02_what_died_meanwhile_is_replaced(reeve):
    daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 4})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    daemon.crash()
    dead = before[1:3]
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    processes.wait_gone(dead)
    daemon.start()
    after = daemon.wait_ready_pids("w", 4)
    assert [pid for pid in after if pid in before] == [before[0], before[3]]
    past = daemon.api.get("/v1/events?since=0&limit=5000").json["items"]
    lost = [event["detail"] for event in past if event["type"] == "worker.exited"
            and event["pool"] == "w"]
    # Nobody saw how: that is said, and nothing is made up.
    assert [detail["reason"] for detail in lost] == ["unknown", "unknown"]


def test_t03_an_adopted_worker_is_watched(reeve, families):
    daemon = reeve({"w": pool(worker("pause"), RestartSec="10ms", scale={"Processes": 2})},
                   environment=families)
    daemon.wait_state("w")
    kept, killed = daemon.pids("w")
    crash_and_start(daemon)
    with daemon.events() as events:
        os.kill(killed, signal.SIGKILL)
        events.wait("worker.exited", pool="w", pid=killed)
        events.wait("worker.ready", pool="w")
    rows = daemon.workers("w")
    assert rows[0]["pid"] == kept and rows[1]["pid"] != killed
    assert [row["adopted"] for row in rows] == [True, False]


def test_adopted_workers_are_stopped_with_all_of_theirs(reeve, families, tmp_path):
    daemon = reeve({"w": pool(worker("ignore_term", tmp_path / "pids"), Type="notify",
                              TimeoutStopSec="200ms")}, environment=families)
    daemon.wait_state("w")
    crash_and_start(daemon)
    daemon.api.post("/v1/pools/w/stop", status=200, headers=HELD)
    family = [int(line.split()[1]) for line in (tmp_path / "pids").read_text().splitlines()]
    assert len(family) == 3 and not [pid for pid in family if processes.is_alive(pid)]


def test_scale_and_stop_survive(reeve):
    daemon = reeve({"up": pool(worker("pause")), "down": pool(worker("pause"))})
    daemon.wait_state("up")
    daemon.scale("up", {"processes": 3, "runtime": True})
    daemon.api.post("/v1/pools/down/stop", status=200, headers=HELD)
    before = daemon.pids("up")
    crash_and_start(daemon)
    daemon.wait_state("up")
    assert daemon.pids("up") == before
    assert daemon.pool("up")["processes"]["wanted"] == 3
    assert daemon.pool("down")["state"] == "stopped"


def test_a_changed_file_replaces_and_a_vanished_one_drains(reeve):
    daemon = reeve({"changed": pool(worker("pause")), "gone": pool(worker("pause"))})
    daemon.wait_state("changed")
    daemon.wait_state("gone")
    before, orphan = daemon.pids("changed"), daemon.pids("gone")[0]
    daemon.crash()
    daemon.write_pool("changed", pool(worker("pause"), Environment="A=changed"))
    (daemon.etc / "pools.d/gone.pool").unlink()
    daemon.start()
    processes.wait_gone([orphan])
    after = daemon.wait_until(
        lambda: (pids := daemon.pids("changed")) and pids != before and len(pids) == 1
        and daemon.workers("changed")[0]["ready"] and pids)
    assert after[0] not in before


def test_the_log_goes_on(reeve):
    daemon = reeve(start=False)
    # It writes a line whenever it is told to by a signal.
    program = ("import signal,sys;n=iter(range(1000));"
               "signal.signal(signal.SIGUSR1,lambda *a:print(\"line\",next(n),flush=True));"
               "print(\"begun\",flush=True)\n")
    script = daemon.folder / "lines.py"
    script.write_text(program + "while True: signal.pause()\n")
    daemon.write_pool("w", pool(f"{harness.PYTHON} {script}"))
    daemon.start()
    daemon.wait_log("w", "begun")
    pid = daemon.pids("w")[0]
    daemon.crash()
    os.kill(pid, signal.SIGUSR1)
    daemon.start()
    daemon.wait_state("w")
    assert daemon.pids("w") == [pid]
    daemon.wait_log("w", "line 0")
    assert daemon.log("w").read_text() == "begun\nline 0\n"


def test_the_listening_socket_is_taken_back(reeve):
    demo = harness.DEMO
    daemon = reeve({"web": pool("/usr/bin/gunicorn --workers 1 --threads 2 "
                                f"--chdir {harness.word(demo)} web_app:application", Type="notify",
                                scale={"Processes": 2}, listen={"ListenStream": "127.0.0.1:0"})})
    daemon.wait_state("web")
    host, port = daemon.pool("web")["listeners"][0].rsplit(":", 1)

    def get():
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("GET", "/")
        return connection.getresponse().status

    before = daemon.pids("web")
    assert get() == 200
    daemon.crash()
    assert get() == 200
    daemon.start()
    daemon.wait_state("web")
    assert daemon.pids("web") == before and get() == 200
    assert daemon.pool("web")["listeners"] == [f"{host}:{port}"]
    # And a worker that is new gets the same socket.
    daemon.scale("web", {"processes": 3})
    assert get() == 200


def test_whom_nobody_noted_down_is_not_doubled(reeve):
    """Started in the last moments of a reeved: its slot is in no state file, its group is there."""
    daemon = reeve({"w": pool(worker("pause"), scale={"Processes": 3})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    by_cgroup = daemon.api.get("/v1/").json["families"] == "cgroup"
    daemon.crash()
    for name in ("state", "state.prev"):
        (daemon.folder / "run" / name).unlink(missing_ok=True)
    daemon.start()
    daemon.wait_ready_pids("w", 3)
    assert not set(before) & set(daemon.pids("w"))
    if by_cgroup:
        processes.wait_gone(before)
        assert "did not live to note down" in daemon.stderr()
    else:
        for pid in before:
            os.kill(pid, signal.SIGKILL)
