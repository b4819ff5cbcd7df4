"""Threads of workers, on each rung of the sampling ladder, from the kernel to the API and reevectl."""

import json
import os
import pathlib
import signal
import threading

import pytest
from client import wait_seen
from reeve import BUILD, pool, worker

RUNGS = ["bpf", "bpf-iterator", "procfs"]
HAS_BPF = (BUILD / "daemon/reeve-bpf").exists() and os.access("/sys/kernel/btf/vmlinux", os.R_OK)
FIELDS = {"tid", "pid", "pool", "slot", "name", "state", "waiting_on", "wait_channel", "cpu", "cpu_ratio",
          "user_seconds", "system_seconds", "run_delay_seconds", "block_delay_seconds",
          "voluntary_switches", "involuntary_switches", "minor_faults", "major_faults", "task"}
PROGRAM = """
import socket, sys, threading, time
kinds = {"sleeper": lambda: time.sleep(1e6), "server": lambda: socket.create_server(("127.0.0.1", 0)).accept(),
         "waiter": lambda: threading.Event().wait()}
def begin(name):
    with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as file:
        file.write(name)
    kinds[name]()
for name in kinds:
    for _ in range(int(sys.argv[1])):
        threading.Thread(target=begin, args=(name,)).start()
"""
WORDS = {"sleeper": ("timer", "clock_nanosleep"), "server": ("io-net", "accept4"), "waiter": ("lock", "futex")}


@pytest.fixture(name="program")
def program_fixture(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def threaded(program, count=1):
    return pool(f"/usr/bin/python3 {program} {count}")


def fast(sampler, **keys):
    # The budget of so short an interval is small, and these machines are slow when they are busy.
    return {"SampleIntervalSec": "50ms", "SampleBudget": "50%", "Sampler": sampler, **keys}


def threads_of(daemon, pid, query="limit=5000"):
    return daemon.api.get(f"/v1/workers/{pid}/threads?{query}").json


def pid_of(daemon, name="w", other_than=0):
    return wait_seen(lambda: [row["pid"] for row in daemon.api.get(f"/v1/workers?pool={name}").json["items"]
                              if row["pid"] not in (None, other_than)])[0]


def wait_threads(daemon, pid, is_good):
    """The whole answer, once its rows are as they should be."""
    def look():
        answer = threads_of(daemon, pid)
        return answer if is_good(answer["items"]) else None
    return wait_seen(look)


def by_name(items):
    return {item["name"]: item for item in items}


def are_all_waiting(items):
    """And have done nothing but that for an interval, however short it was."""
    rows = by_name(items)
    return all(name in rows and rows[name]["wait_channel"] == channel
               and (rows[name]["cpu_ratio"] or 0) < 0.5
               and rows[name]["cpu_ratio"] is not None and rows[name]["voluntary_switches"] is not None
               for name, (_, channel) in WORDS.items())


@pytest.mark.parametrize("rung", RUNGS)
def test_each_rung_shows_threads(reeve, program, rung):
    daemon = reeve({"w": threaded(program)}, conf=fast(rung))
    pid = pid_of(daemon)
    answer = wait_threads(daemon, pid, are_all_waiting)
    rows = by_name(answer["items"])
    assert answer["sampler"] in RUNGS and answer["sampler_reason"]
    if HAS_BPF and os.geteuid() == 0 and rung == "bpf-iterator":
        assert answer["sampler"] == rung
    assert {row["tid"] for row in answer["items"]} == set(map(int, os.listdir(f"/proc/{pid}/task")))
    for name, (word, channel) in WORDS.items():
        row = rows[name]
        assert FIELDS <= set(row)
        assert (row["state"], row["waiting_on"], row["wait_channel"]) == ("sleeping", word, channel)
        assert (row["pid"], row["pool"], row["slot"]) == (pid, "w", 0)
        assert row["task"] is None and row["unavailable"]["task"]
    one = daemon.api.get(f"/v1/workers/{pid}/threads/{rows['server']['tid']}").json
    assert one["name"] == "server" and one["syscall"] > 0 and len(one["arguments"]) == 6
    stat = pathlib.Path(f"/proc/{pid}/task/{one['tid']}/stat").read_text()
    assert one["start_ticks"] == int(stat.rpartition(")")[2].split()[19])


def test_pages_follow_one_another(reeve, program):
    daemon = reeve({"w": threaded(program, 4)}, conf=fast("procfs"))
    pid = pid_of(daemon)
    wait_threads(daemon, pid, lambda items: len(items) == 13)
    tids, query = [], "limit=5&fields=tid"
    while query:
        page = threads_of(daemon, pid, query)
        assert all(set(item) <= {"tid", "unavailable"} for item in page["items"])
        tids += [item["tid"] for item in page["items"]]
        query = page["next"] and f"limit=5&fields=tid&cursor={page['next']}"
    assert len(tids) == 13 and set(tids) == set(map(int, os.listdir(f"/proc/{pid}/task")))
    daemon.api.get(f"/v1/workers/{pid}/threads?fields=nonsense", status=400)
    assert daemon.api.get(f"/v1/workers/{pid}/threads/1", status=404).json["code"] == "unknown-thread"
    assert daemon.api.get(f"/v1/workers/{pid}/threads/x", status=404).json["code"] == "unknown-thread"
    assert daemon.api.get("/v1/workers/1/threads", status=404).json["code"] == "unknown-worker"


def test_reevectl_threads(reeve, program):
    daemon = reeve({"w": threaded(program), "v": pool(worker("pause"))}, conf=fast("procfs"))
    pid = pid_of(daemon)
    wait_threads(daemon, pid, are_all_waiting)
    table = daemon.ctl("threads", "w").stdout
    assert "WAITS ON" in table and "clock_nanosleep" in table and "server" in table
    items = json.loads(daemon.ctl("threads", str(pid), "-o", "json").stdout)["items"]
    assert len(items) == 4 and FIELDS <= set(items[0])
    names = daemon.ctl("threads", "w/0", "-o", "name").stdout.split()
    assert f"{pid}/{pid}" in names and len(names) == 4
    daemon.wait_state("v")
    status = daemon.ctl("status").stdout
    assert "sampler procfs: as configured" in status


def test_the_rung_can_be_changed_and_turned_off(reeve, program):
    daemon = reeve({"w": threaded(program)}, conf=fast("procfs"))
    pid = pid_of(daemon)
    wait_threads(daemon, pid, are_all_waiting)
    top = daemon.api.get("/v1/").json
    assert top["sampler"] == "procfs"
    assert top["thread_interval_seconds"] > 0 and top["sample_interval_seconds"] > 0
    daemon.write_conf(fast("process"))
    daemon.api.post("/v1/reload")
    answer = wait_threads(daemon, pid, lambda items: not items)
    assert answer["sampler"] == "process" and "as configured" in answer["sampler_reason"]
    daemon.write_conf(fast("bpf-iterator"))
    daemon.api.post("/v1/reload")
    wait_threads(daemon, pid, are_all_waiting)
    daemon.write_conf(fast("bpf", SampleIntervalSec="0"))
    daemon.api.post("/v1/reload")
    wait_threads(daemon, pid, lambda items: not items)
    top = daemon.api.get("/v1/").json
    assert top["sampler"] == "off" and top["sample_interval_seconds"] is None
    daemon.write_conf(fast("procfs"))
    daemon.api.post("/v1/reload")
    wait_threads(daemon, pid, are_all_waiting)


def test_a_worker_that_ends_takes_its_threads_along(reeve, program):
    daemon = reeve({"w": threaded(program)}, conf=fast("procfs"))
    pid = pid_of(daemon)
    wait_threads(daemon, pid, are_all_waiting)
    os.kill(pid, signal.SIGKILL)
    wait_threads(daemon, pid_of(daemon, other_than=pid), are_all_waiting)
    assert daemon.api.get(f"/v1/workers/{pid}/threads", status=404).json["code"] == "unknown-worker"


def test_t32_hostile_names(reeve, tmp_path):
    """A name may be any 15 bytes; what comes out is valid JSON all the same."""
    tmp_path.chmod(0o755)
    program = tmp_path / "names.py"
    program.write_text("""
import ctypes, threading, time
libc = ctypes.CDLL(None)
names = [b') R 1 2 3', b'\\xff\\xfe\\x01"\\\\', b'a\\nb\\tc', b'', b'\\xe2\\x82\\xac\\xe2\\x82\\xac\\xe2\\x82\\xac\\xe2\\x82\\xac\\xe2\\x82\\xac']
def begin(name):
    libc.prctl(15, name, 0, 0, 0)
    time.sleep(1e6)
for name in names:
    threading.Thread(target=begin, args=(name,)).start()
""")
    for rung in ("bpf", "procfs"):
        daemon = reeve({"w": pool(f"/usr/bin/python3 {program}")}, conf=fast(rung))
        pid = pid_of(daemon)
        answer = wait_threads(daemon, pid, lambda items: len(items) == 6
                              and all(item["waiting_on"] == "timer" for item in items[1:]))
        assert ") R 1 2 3" in by_name(answer["items"])
        assert len({item["tid"] for item in answer["items"]}) == 6


def test_t33_threads_that_are_born_and_die(reeve, tmp_path):
    """Thousands of births and deaths a second: rows are of threads that lived, each once."""
    tmp_path.chmod(0o755)
    program = tmp_path / "churn.py"
    program.write_text("""
import _thread, time
while True:
    for _ in range(20):
        _thread.start_new_thread(lambda: None, ())
    time.sleep(0.002)
""")
    for rung in ("bpf", "procfs"):
        daemon = reeve({"w": pool(f"/usr/bin/python3 {program}")}, conf=fast(rung))
        pid = pid_of(daemon)
        wait_threads(daemon, pid, lambda items: items)
        for _ in range(100):
            tids = [item["tid"] for item in threads_of(daemon, pid)["items"]]
            assert len(tids) == len(set(tids))
        assert daemon.process.poll() is None


def test_readers_do_not_disturb_one_another(reeve, program):
    daemon = reeve({"w": threaded(program, 30)}, conf=fast("bpf", SampleIntervalSec="30ms"))
    pid = pid_of(daemon)
    wait_threads(daemon, pid, lambda items: len(items) == 91)
    wrong = []

    def read():
        for _ in range(20):
            items = threads_of(daemon, pid)["items"]
            if len({item["tid"] for item in items}) != 91:
                wrong.append(items)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert not wrong
