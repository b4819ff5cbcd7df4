"""What the measurements have in common: fleets on both sides, a clock, and the table at the end.

A fleet is so many workers of one command under one supervisor: the floor (bench-floor, a bare
loop) or reeved. Both are asked for the same things, so that one round can measure each in turn."""

import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import reeve  # noqa: E402  the path comes first

BENCH = reeve.BUILD / "tests/bench"
STAMP = struct.Struct("=QQ")
F_SETPIPE_SZ = 1031
# Without sampling: what it costs is measured by itself.
CONF = {"SampleIntervalSec": "0", "LogLevel": "warning"}
PATIENCE = 90  # seconds that a client waits
WAIT = {"Prefer": f"wait={PATIENCE - 30}"}


# ---- quiet ----

def rise():
    """Before the rest of the machine, if we may: all that is started from here inherits it.

    Niceness would not do: each worker is a session, and with autogroups sessions share evenly."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


# ---- numbers ----

def median(values):
    return statistics.median(values)


def quantile(values, ratio):
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * ratio))]


def cpu_seconds(pid):
    """CPU time of a process with one thread, in nanoseconds as the scheduler counts it."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def switches(pid):
    """How often it went to sleep, which is how often it was woken."""
    return int(reeve.processes.status(pid)["voluntary_ctxt_switches"])


def pss_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)[1]) * 1024


@contextlib.contextmanager
def seconds_into(values):
    began = time.monotonic()
    yield
    values.append(time.monotonic() - began)


# ---- workers that say when they began ----

class Stamps:
    """The FIFO that bench-stamp writes to: (PID, monotonic seconds) of each start."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rv-bench-", dir="/tmp"))
        self.path = self.folder / "stamps"
        os.mkfifo(self.path)
        # Read-write: it must not end while no worker has it open.
        self.fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        fcntl.fcntl(self.fd, F_SETPIPE_SZ, 1 << 20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        self.path.unlink()
        self.folder.rmdir()

    def command(self):
        return [str(BENCH / "bench-stamp"), str(self.path)]

    def take(self, count):
        """The next so many."""
        found = []
        while len(found) < count:
            data = os.read(self.fd, STAMP.size * min(count - len(found), 4096))
            found += [(pid, nsec / 1e9) for pid, nsec in STAMP.iter_unpack(data)]
        return found


# ---- the two sides ----

class Floor:
    """bench-floor: vfork and exec in a loop."""

    name = "floor"
    options = []

    def __init__(self, command):
        self.command = command
        self.process = None
        self.began = None  # when its loop of starts, or of kills, began

    def start(self, count):
        """Wall and CPU seconds of its loop."""
        self.process = subprocess.Popen(
            [BENCH / "bench-floor", *self.options, str(count), *self.command], stdout=subprocess.PIPE, text=True)
        return self.answer("started")

    def answer(self, word):
        said, began, wall, cpu = self.process.stdout.readline().split()
        assert said == word
        self.began = int(began) / 1e6
        return int(wall) / 1e6, int(cpu) / 1e6

    def stop(self):
        self.process.terminate()
        result = self.answer("stopped")
        self.process.stdout.close()
        assert self.process.wait() == 0
        return result

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()


class GroupedFloor(Floor):
    """The same with a cgroup for each process."""

    name = "floor with groups"
    options = ["--groups"]

    @classmethod
    def can_be_had(cls):
        try:
            with fleet(cls, ["/bin/sleep", "60"]) as made:
                made.start(1)
        except ValueError:  # it said nothing
            return False
        return True


class Daemon(reeve.Daemon):
    """Its runtime and log folders are in memory: the one is so everywhere, and of the other the disk
    would be measured (ext4 creates files slowly for a minute after many were removed)."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="rv-", dir="/dev/shm"))
        self.memory.chmod(0o755)
        self.runtime, self.logs = self.memory / "run", self.memory / "log"
        self.socket = self.runtime / "api.sock"

    def connect(self):
        return reeve.client.UnixConnection(self.socket, timeout=PATIENCE)

    def remove(self):
        super().remove()
        shutil.rmtree(self.memory, ignore_errors=True)


class Reeve:
    """A reeved of its own with one pool, "busy", that begins with nothing or so many."""

    name = "reeve"

    def __init__(self, command, count=0, count_max=1024, conf=None, pools=None, **keys):
        scale = {"Processes": count, "ProcessesMax": count_max}
        text = reeve.pool(" ".join(command), scale, **keys)
        self.began = None  # when it was asked
        self.daemon = Daemon({"busy": text, **(pools or {})}, {**CONF, **(conf or {})})
        self.daemon.start()

    def do(self, method, path, body):
        """Wall and CPU seconds until the operation is done."""
        before, self.began = cpu_seconds(self.daemon.pid), time.monotonic()
        answer = self.daemon.api.send(method, path, body, WAIT)
        wall = time.monotonic() - self.began
        assert answer.status == 200 and answer.json["state"] == "done", answer.body
        return wall, cpu_seconds(self.daemon.pid) - before

    def start(self, count):
        return self.do("PATCH", "/v1/pools/busy/scale", {"processes": count, "runtime": True})

    scale = start

    def stop(self):
        return self.do("POST", "/v1/pools/busy/stop", {})

    def pids(self):
        items = self.daemon.api.send("GET", "/v1/workers?pool=busy&limit=5000").json["items"]
        return [item["pid"] for item in items if item["pid"]]

    def face_pid(self):
        items = self.daemon.api.send("GET", "/v1/workers?pool=@api").json["items"]
        return items[0]["pid"]

    def close(self):
        self.daemon.close()


@contextlib.contextmanager
def fleet(side, *arguments, **options):
    made = side(*arguments, **options)
    try:
        yield made
    finally:
        made.close()


def wait_sampled(side, count):
    """Until each worker has been sampled twice: only then it has a ratio of CPU."""
    deadline = time.monotonic() + 30
    while True:
        items = side.daemon.api.send("GET", "/v1/workers?pool=busy&limit=5000").json["items"]
        if len([item for item in items if item["cpu_ratio"] is not None]) == count:
            return
        assert time.monotonic() < deadline, "the workers are not sampled"
        time.sleep(0.2)


# ---- showing ----

def machine():
    release, cores = os.uname().release, os.cpu_count()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    policy = "round-robin" if os.sched_getscheduler(0) == os.SCHED_RR else "normal"
    return f"Linux {release}, {cores} cores, load {load}, {policy} scheduling"


def rule(passed):
    return "ok" if passed else "MISS"


class Table:
    """Lines of: what, the floor, reeve, what is asked, what it is, and whether that is enough."""

    LAYOUT = "{:<34} {:>14} {:>14} {:>18} {:>14}  {}"

    def __init__(self, title):
        self.title = title
        print(f"\n{title}\n  {machine()}", flush=True)
        print(self.LAYOUT.format("", "floor", "reeve", "asked", "is", ""), flush=True)

    def line(self, what, floor, ours, asked, found, passed):
        print(self.LAYOUT.format(what, floor, ours, asked, found, rule(passed)), flush=True)

    def ratio(self, what, floor, ours, limit, unit="ms", factor=1e3):
        """Medians of both sides, and their ratio."""
        ours, floor = median(ours), median(floor)
        self.line(what, f"{floor * factor:.2f} {unit}", f"{ours * factor:.2f} {unit}",
                  f"<= {limit} x", f"{ours / floor:.2f} x", ours / floor <= limit)

    def at_most(self, what, value, limit, unit, floor=""):
        self.line(what, floor, f"{value:.2f} {unit}", f"<= {limit:g} {unit}", "", value <= limit)

    def at_least(self, what, value, limit, unit, floor=""):
        self.line(what, floor, f"{value:.0f} {unit}", f">= {limit:g} {unit}", "", value >= limit)

    def note(self, what, floor, ours):
        print(self.LAYOUT.format(what, floor, ours, "", "", ""), flush=True)
