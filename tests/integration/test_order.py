"""After= and Requires=: who waits for whom to start and to stop, and who fails with whom."""

import json
import os
import signal

import pytest
from client import wait_seen
from reeve import pool, worker


class Gate:
    """A FIFO that holds up workers until it is opened; opening waits until one is there."""

    def __init__(self, folder):
        self.path = folder / "gate"
        os.mkfifo(self.path)

    def pool(self, *then, **keys):
        words = then or ("READY=1",)
        return pool(worker("notify", f"wait-open={self.path}", *words), Type="notify", **keys)

    def open(self):
        os.close(os.open(self.path, os.O_WRONLY))


@pytest.fixture
def gate(tmp_path):
    tmp_path.chmod(0o755)
    return Gate(tmp_path)


def first(events, *wanted):
    """Place of the first event with that type, pool and state."""
    for place, event in enumerate(events):
        if (event["type"], event["pool"], event["detail"].get("state")) == wanted:
            return place
    raise AssertionError(f"{wanted} never came: {events}")


def all_events(daemon):
    return daemon.api.get("/v1/events?limit=1000").json["items"]


@pytest.mark.parametrize("key", ["After", "Requires"])
def test_a_pool_waits_until_the_one_before_is_ready(reeve, gate, key):
    daemon = reeve({"redis": gate.pool(), "web": pool(worker("pause"), **{key: "redis"})})
    daemon.wait_until(lambda: daemon.workers("redis"))
    web = daemon.pool("web")
    assert web["state"] == "starting" and web["waiting_for"] == ["redis"]
    assert web["after" if key == "After" else "requires"] == ["redis"]
    assert daemon.workers("web") == [] and web["startup_seconds"] is None
    assert "waits for redis" in daemon.ctl("status", "web", code=3).stdout
    assert "waits for redis" in daemon.ctl("status", code=3).stdout
    gate.open()
    web = daemon.wait_state("web")
    assert web["waiting_for"] == [] and web["waited_seconds"] > 0 and web["became_ready"]
    seen = all_events(daemon)
    assert first(seen, "worker.ready", "redis", None) < first(seen, "worker.started", "web", None)


def test_a_chain_and_pools_of_no_process(reeve, gate):
    daemon = reeve({"a": gate.pool(), "b": pool(worker("pause"), After="a", scale={"Processes": 0}),
                    "c": pool(worker("pause"), Requires="b", After="nobody")})
    daemon.wait_until(lambda: daemon.pool("c")["waiting_for"] == ["b"])
    gate.open()
    daemon.wait_state("b")
    daemon.wait_state("c")


def test_a_task_that_is_done_counts_as_ready(reeve, gate):
    daemon = reeve({"task": gate.pool("exit-0", Restart="no"),
                    "web": pool(worker("pause"), Requires="task")})
    daemon.wait_until(lambda: daemon.pool("web")["waiting_for"] == ["task"])
    gate.open()
    daemon.wait_state("web")
    assert daemon.pool("task")["state"] == "stopped"


def test_after_alone_goes_on_without_the_other(reeve):
    daemon = reeve({"bad": pool(worker("crash", 7), Restart="no"),
                    "web": pool(worker("pause"), After="bad"),
                    "late": pool(worker("pause"), After="web")})
    daemon.wait_state("late")
    assert daemon.pool("bad")["state"] == "failed"
    daemon.ctl("stop", "late", "web")
    daemon.ctl("stop", "bad")
    daemon.ctl("start", "late")
    assert daemon.pool("web")["state"] == "stopped"


def test_requires_fails_with_the_other_and_comes_back_with_it(reeve, tmp_path):
    mended = tmp_path / "mended"
    daemon = reeve({"db": pool(worker("crash", 7, 0, mended), Type="notify", Restart="no"),
                    "web": pool(worker("pause"), Requires="db"),
                    "edge": pool(worker("pause"), Requires="web")})
    web, edge = daemon.wait_state("web", "failed"), daemon.wait_state("edge", "failed")
    assert "Requires=db" in web["last_error"] and "pool db has failed" in web["last_error"]
    assert "Requires=web" in edge["last_error"]
    assert "pool db has failed" in daemon.ctl("start", "web", code=1).stderr
    mended.touch()
    daemon.ctl("start", "db")
    daemon.wait_state("edge")
    assert daemon.pool("web")["state"] == "running" and daemon.pool("web")["last_error"] is None
    # Its end for good takes them along.
    mended.unlink()
    os.kill(daemon.pids("db")[0], signal.SIGKILL)
    daemon.wait_state("edge", "failed")
    daemon.wait_until(lambda: daemon.pids("web") == daemon.pids("edge") == [])
    mended.touch()
    daemon.ctl("start", "edge")  # starts what it requires
    assert [daemon.pool(name)["state"] for name in ("db", "web", "edge")] == ["running"] * 3


def test_a_stop_takes_along_what_requires_it_and_a_start_pulls(reeve):
    daemon = reeve({"db": pool(worker("pause")), "web": pool(worker("pause"), Requires="db"),
                    "edge": pool(worker("pause"), Requires="web"),
                    "other": pool(worker("pause"), After="db")})
    for name in ("edge", "other"):
        daemon.wait_state(name)
    other = daemon.pids("other")
    daemon.ctl("stop", "db")
    assert [daemon.pool(name)["state"] for name in ("db", "web", "edge")] == ["stopped"] * 3
    assert daemon.pids("other") == other
    seen = all_events(daemon)
    assert first(seen, "pool.state", "edge", "stopped") < first(seen, "pool.state", "web", "stopped") \
        < first(seen, "pool.state", "db", "stopped")
    daemon.ctl("start", "edge")
    assert [daemon.pool(name)["state"] for name in ("db", "web", "edge")] == ["running"] * 3


def order_of_ends(daemon, report):
    """The pools in the order in which their workers were told to end."""
    return report.read_text().split()


def recorder(name, report, **keys):
    """Writes its name when it is told to end, and a child of it holds that up for a moment."""
    script = f'trap "echo {name} >>{report}; exit 0" TERM; echo up; while :; do sleep 0.01; done'
    return pool(f"/bin/bash -c '{script}'", **keys)


@pytest.mark.parametrize("how", ["TERM", "stop --all", "stop several"])
def test_the_last_to_start_is_the_first_to_stop(reeve, tmp_path, how):
    report = tmp_path / "ends"
    daemon = reeve({"a": recorder("a", report), "b": recorder("b", report, After="a"),
                    "c": recorder("c", report, Requires="b"), "d": recorder("d", report)})
    for name in "abcd":
        daemon.wait_state(name)
        daemon.wait_log(name, "up")
    if how == "TERM":
        daemon.stop()
    else:
        daemon.ctl("stop", *(["--all"] if how == "stop --all" else ["a", "b", "c", "d"]))
    order = order_of_ends(daemon, report)
    assert sorted(order) == list("abcd")
    assert order.index("c") < order.index("b") < order.index("a")


def test_t50_a_second_term_waits_for_nobody(reeve, tmp_path):
    family = tmp_path / "family"
    daemon = reeve({"a": pool(worker("pause")),
                    "b": pool(worker("ignore_term", family), After="a", Type="notify",
                              TimeoutStopSec="1h")})
    daemon.wait_state("b")
    with daemon.events() as events:
        daemon.signal(signal.SIGTERM)
        events.wait("daemon.stopping")
        wait_seen(lambda: daemon.pool("a")["state"] == "stopping"
                  and daemon.pool("a")["waiting_for"] == ["b"])
        daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    daemon.check_end()


def test_t50_term_while_pools_wait(reeve, gate):
    daemon = reeve({"a": gate.pool(), "b": pool(worker("pause"), After="a")})
    daemon.wait_until(lambda: daemon.pool("b")["waiting_for"] == ["a"])
    daemon.stop()


def test_a_pool_that_waited_waits_again_after_the_core_died(reeve):
    daemon = reeve({"a": pool(worker("crash", 1), Type="notify", RestartSec="1h"),
                    "b": pool(worker("pause"), After="a")})
    daemon.wait_until(lambda: daemon.pool("b")["waiting_for"] == ["a"])
    daemon.kill()
    daemon.start()
    assert daemon.wait_until(lambda: daemon.pool("b")["waiting_for"] == ["a"])
    assert daemon.pids("b") == []


def test_a_circle_is_refused_and_shown(reeve):
    daemon = reeve({"a": pool(worker("pause"), After="b"), "b": pool(worker("pause"), Requires="c"),
                    "c": pool(worker("pause"), After="a")}, start=False)
    daemon.start(ready=False)
    assert daemon.wait() == 78
    assert "a -> b -> c -> a" in daemon.stderr()


def test_an_order_that_is_changed_by_a_reload(reeve, gate):
    daemon = reeve({"a": gate.pool(), "b": pool(worker("pause"), After="a")})
    daemon.wait_until(lambda: daemon.pool("b")["waiting_for"] == ["a"])
    daemon.write_pool("b", pool(worker("pause")))
    daemon.api.post("/v1/reload", status=200)
    assert daemon.wait_state("b")["after"] == []


def test_pools_that_a_reload_brings_wait_for_each_other(reeve, gate):
    daemon = reeve({"first": pool(worker("pause"))})
    daemon.write_pool("redis", gate.pool())
    daemon.write_pool("web", pool(worker("pause"), After="redis"))
    daemon.api.post("/v1/reload", status=200)
    daemon.wait_until(lambda: daemon.workers("redis"))
    assert daemon.pool("web")["waiting_for"] == ["redis"] and not daemon.workers("web")
    gate.open()
    daemon.wait_state("web")
    seen = all_events(daemon)
    assert first(seen, "worker.ready", "redis", None) < first(seen, "worker.started", "web", None)


def test_an_essential_pool_whose_requirement_fails(reeve):
    daemon = reeve({"db": pool(worker("crash", 7), Restart="no"),
                    "main": pool(worker("pause"), Requires="db", Essential="yes")}, start=False)
    daemon.start()
    assert daemon.wait() == 1


def test_graph(reeve, gate):
    daemon = reeve({"disk": pool(worker("pause")), "db": gate.pool(After="disk"),
                    "cache": pool(worker("pause")),
                    "web": pool(worker("pause"), Requires="db", After="cache")})
    daemon.wait_until(lambda: daemon.pool("web")["waiting_for"] == ["db"])
    assert "waits for db" in daemon.ctl("graph").stdout
    gate.open()
    daemon.wait_state("web")
    lines = daemon.ctl("graph", "web").stdout.splitlines()
    assert lines[0].startswith("web  running, ready after ") and ", waited " in lines[0]
    assert lines[1].startswith("├─*!db  running") and lines[2].startswith("│ └─disk  running")
    assert lines[3].startswith("└─cache  running")
    dot = daemon.ctl("graph", "-o", "dot").stdout
    assert dot.startswith("digraph reeve {") and '"web" -> "db";' in dot
    assert '"db" -> "disk" [style=dashed];' in dot
    items = json.loads(daemon.ctl("graph", "db", "-o", "json").stdout)["items"]
    assert [item["name"] for item in items] == ["db", "disk"] and items[0]["startup_seconds"] > 0
    daemon.ctl("graph", "nobody", code=4)
    daemon.ctl("pools", "-o", "dot", code=2)
