"""One process as a whole: what reeve-inspect finds agrees with /proc, and costs the worker nothing."""

import concurrent.futures
import json
import os
import pathlib
import pwd

import processes
import pytest
from client import wait_seen
from reeve import pool, worker

SECTIONS = {"memory", "credentials", "limits", "io", "scheduling", "cgroup", "children", "descriptors", "image"}


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}")


def status_of(pid):
    lines = proc(pid, "status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def started(reeve, program="pause", *arguments, **keys):
    daemon = reeve({"w": pool(worker(program, *arguments), **keys)})
    daemon.wait_state("w")
    pid = daemon.pids("w")[0]
    processes.wait_asleep(pid)
    return daemon, pid


def show(daemon, pid, query=""):
    return daemon.api.get(f"/v1/workers/{pid}{query}").json


def test_control_block_agrees_with_proc(reeve):
    daemon, pid = started(reeve, LimitNOFILE="512", Nice="3", OOMScoreAdjust="100")
    shown, status = show(daemon, pid), status_of(pid)
    assert SECTIONS <= set(shown)
    assert shown["memory"]["rss_bytes"] == int(status["VmRSS"].split()[0]) * 1024
    assert 0 < shown["memory"]["uss_bytes"] <= shown["memory"]["pss_bytes"] <= shown["memory"]["rss_bytes"]
    assert shown["credentials"]["effective_uid"] == int(status["Uid"].split()[1])
    assert len(shown["credentials"]["capabilities"]["effective"]) == int(status["CapEff"], 16).bit_count()
    assert shown["limits"]["open_files"] == {"soft": 512, "hard": 512}
    assert shown["scheduling"]["policy"] == "other" and shown["scheduling"]["nice"] == 3
    assert shown["scheduling"]["oom_score_adjust"] == 100
    assert shown["image"]["exe"] == os.readlink(proc(pid, "exe")) and shown["image"]["deleted"] is False
    assert shown["image"]["arguments"] == proc(pid, "cmdline").read_bytes().decode().split("\0")[:-1]
    assert len(shown["image"]["build_id"]) >= 16
    assert shown["descriptors"]["count"] == len(os.listdir(proc(pid, "fd")))
    assert sum(shown["descriptors"]["kinds"].values()) == shown["descriptors"]["count"]
    assert shown["cgroup"] == proc(pid, "cgroup").read_text().rpartition("::")[2].strip()
    assert shown["io"]["read_calls"] >= 0 and shown["children"] == []


def test_what_is_not_asked_for_is_not_looked_at(reeve):
    daemon, pid = started(reeve)
    assert set(show(daemon, pid, "?fields=pid,state")) == {"pid", "state", "unavailable"}
    asked = show(daemon, pid, "?fields=memory,pid")
    assert set(asked) == {"pid", "memory", "unavailable"} and asked["memory"]["pss_bytes"] > 0
    assert daemon.api.get(f"/v1/workers/{pid}?fields=memory,nothing", status=400)


@pytest.mark.root
def test_it_looks_as_the_workers_own_user(reeve):
    daemon, pid = started(reeve, User="nobody")
    shown = show(daemon, pid)
    assert shown["credentials"]["uid"] == pwd.getpwnam("nobody").pw_uid
    assert shown["credentials"]["user"] == "nobody"
    assert shown["memory"]["pss_bytes"] > 0 and shown["image"]["exe"]


def test_no_helper_remains(reeve):
    daemon, pid = started(reeve)
    show(daemon, pid)
    wait_seen(lambda: "reeve-inspect" not in processes.names_of_children(daemon.pid))


def test_many_ask_at_once(reeve):
    daemon, pid = started(reeve)
    with concurrent.futures.ThreadPoolExecutor(20) as askers:
        answers = list(askers.map(lambda _: show(daemon, pid, "?fields=memory"), range(40)))
    assert all(answer["memory"]["rss_bytes"] > 0 for answer in answers)


def test_descriptors_page_by_page(reeve):
    daemon, pid = started(reeve, listen={"ListenStream": "127.0.0.1:0"})
    whole = daemon.api.get(f"/v1/workers/{pid}/descriptors").json
    numbers = sorted(int(name) for name in os.listdir(proc(pid, "fd")))
    assert [row["fd"] for row in whole["items"]] == numbers and whole["next"] is None
    listener = next(row for row in whole["items"] if row["fd"] == 3)
    assert listener["kind"] == "socket" and listener["protocol"] == "tcp" and listener["state"] == "listening"
    assert listener["local"].startswith("127.0.0.1:")
    pages, cursor = [], ""
    while cursor is not None:
        page = daemon.api.get(f"/v1/workers/{pid}/descriptors?limit=2&fields=fd{cursor}").json
        pages += [row["fd"] for row in page["items"]]
        cursor = page["next"] and f"&cursor={page['next']}"
    assert pages == numbers


def test_stack_of_a_thread(reeve):
    daemon, pid = started(reeve)
    before = status_of(pid)
    shown = daemon.api.get(f"/v1/workers/{pid}/threads/{pid}/stack").json
    assert shown["tid"] == pid and shown["complete"] is True
    assert "pause" in " ".join(str(frame["symbol"]) for frame in shown["user_stack"])
    assert int(shown["registers"]["rsp" if "rsp" in shown["registers"] else "sp"], 16) > 0
    assert shown["program_counter"] == shown["user_stack"][0]["address"]
    after = status_of(pid)
    assert after["State"] == before["State"] and after["TracerPid"] == "0"
    assert int(after["nonvoluntary_ctxt_switches"]) >= 0
    gone = daemon.api.get(f"/v1/workers/{pid}/threads/1/stack").json
    assert gone["user_stack"] is None and "user_stack" in gone["unavailable"]


def test_stack_by_reevectl(reeve):
    daemon, pid = started(reeve)
    told = daemon.ctl("stack", f"{pid}/{pid}").stdout
    assert told.startswith(f"{pid}/{pid} ") and "stood still for" in told and "pause" in told
    shown = json.loads(daemon.ctl("stack", str(pid), "-o", "json").stdout)
    assert pid in [row["tid"] for row in shown["items"]]
    assert "no process or thread" in daemon.ctl("stack", "w/x", code=2).stderr
    assert daemon.ctl("stack", "1", code=4).stderr


def test_what_cannot_be_looked_at(reeve):
    daemon, pid = started(reeve)
    daemon.api.get("/v1/workers/1/descriptors", status=404)
    daemon.api.get(f"/v1/workers/{pid}/descriptors?cursor=x", status=400)
    daemon.api.get(f"/v1/workers/{pid}/threads/x/stack", status=404)
