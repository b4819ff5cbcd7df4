"""A reeved of one's own for each test: temporary folders, real workers, a clean end that is checked.

REEVE_BUILD names the build folder, so that the same tests run on every build of the tree."""

import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import client
import processes

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("REEVE_BUILD", "build")
SANITIZED = b"__asan_init" in (BUILD / "daemon/reeved").read_bytes()
DEMO = ROOT / "docs/examples/demo"
PYTHON = "/usr/bin/python3"
# What no daemon of any test may say: words of a sanitizer, and of headcount_check().
SANITIZER = re.compile(
    r"ERROR: (Address|Leak|UndefinedBehavior)Sanitizer|runtime error:|was miscounted")
# reeved's own patience with a worker in these tests; the harness waits longer than that.
START_SECONDS, STOP_SECONDS = 60.0, 60.0
# Asks for an answer when the operation has ended; less than the patience of the client.
HELD = {"Prefer": "wait=50"}


def word(value):
    """One word of ExecStart=; the tree may lie in a folder whose name has a blank."""
    return f'"{value}"' if " " in str(value) else str(value)


def worker(name, *arguments):
    """The command line of one of tests/workers."""
    program = ROOT / "tests/workers" / f"{name}.py"
    command = [PYTHON, program] if program.exists() else [BUILD / "tests/workers" / f"worker-{name}"]
    return " ".join(map(word, [*command, *arguments]))


def section(name, keys):
    lines = [f"[{name}]"]
    for key, value in keys.items():
        lines += [f"{key}={item}" for item in (value if isinstance(value, list) else [value])]
    return "\n".join(lines) + "\n\n"


def pool(command, scale=None, listen=None, health=None, log=None, **keys):
    """The text of a pool file; a list as value is a key that stands more than once."""
    parts = {"Pool": {"ExecStart": command, **keys}, "Scale": scale, "Listen": listen,
             "Health": health, "Log": log}
    return "".join(section(name, content) for name, content in parts.items() if content)


class Daemon:
    """One reeved; start() and stop() may be called more than once on the same folders."""

    def __init__(self, pools, conf=None, environment=None, prefix=()):
        # Short, since a unix socket's path has 108 bytes; open to all, for workers of other users.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rv-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.etc, self.state = self.folder / "etc", self.folder / "state"
        self.runtime, self.logs = self.folder / "run", self.folder / "log"
        self.socket = self.runtime / "api.sock"
        self.environment, self.prefix = environment or {}, list(prefix)
        self.process = None
        self.api = client.Api(self.connect, BUILD)
        (self.etc / "pools.d").mkdir(parents=True)
        self.write_conf(conf or {})
        for name, text in pools.items():
            self.write_pool(name, text)

    # ---- configuration ----

    def write_conf(self, keys):
        (self.etc / "reeve.conf").write_text(section("Reeve", keys))

    def write_pool(self, name, text):
        """The marker makes processes of this test known to survivors(), if they keep it."""
        marked = text.replace("[Pool]\n", f"[Pool]\nEnvironment=TEST_FOLDER={self.folder}\n", 1)
        (self.etc / "pools.d" / f"{name}.pool").write_text(marked)

    # ---- life ----

    def command(self, *arguments):
        return [*self.prefix, BUILD / "daemon/reeved", "--config", self.etc, "--state", self.state,
                "--runtime", self.runtime, "--log-dir", self.logs, *arguments]

    def start(self, *arguments, ready=True):
        """@ready: wait until it says READY=1"""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        notify.bind(str(path))
        path.chmod(0o666)
        with notify, open(self.folder / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(
                self.command(*arguments), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                env={**os.environ, **self.environment, "NOTIFY_SOCKET": str(path)})
            if ready:
                self.wait_ready(notify)
        return self

    def wait_ready(self, notify):
        deadline = time.monotonic() + START_SECONDS
        ended = os.pidfd_open(self.process.pid)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(notify, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poll.poll(max(0, deadline - time.monotonic()) * 1000)}
                # What it said before it ended counts.
                if notify.fileno() in ready:
                    if b"READY=1" in notify.recv(4096).splitlines():
                        return
                    continue
                state = "ended" if ended in ready else "is not ready"
                assert ended not in ready and ready, f"reeved {state}:\n{self.stderr()}"
        finally:
            os.close(ended)

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=STOP_SECONDS):
        """Its exit code."""
        return self.process.wait(timeout)

    def kept(self):
        """The state on disk, of which the next reeved knows its workers."""
        path = self.runtime / "state"
        return path.read_text() if path.exists() else ""

    def wait_kept(self, *words):
        """Until the state on disk has all the words."""
        client.wait_seen(lambda: all(word in self.kept() for word in words))

    def are_workers_kept(self):
        """What the API tells of them is written a moment later."""
        rows = {(row["pool"], row["slot"]): row for row in self.api.get("/v1/workers").json["items"]
                if row["pid"] and not row["pool"].startswith("@")}
        kept = {(pool, int(slot)): (int(pid), state) for pool, slot, pid, state in re.findall(
            r"^worker (\S+) slot=(\d+) pid=(\d+) .*?state=(\S+)", self.kept(), re.MULTILINE)}
        return all(kept.get(place) == (row["pid"], row["state"]) for place, row in rows.items())

    def kill(self):
        """kill -9, whatever it is about"""
        self.signal(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    def crash(self):
        """kill -9, once the next reeved will know all that this one tells"""
        client.wait_seen(self.are_workers_kept)
        self.kill()

    def stop(self):
        """Asks it to end, and holds it to its promises."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"reeved ended with {code}:\n{self.stderr()}"
        self.check_end()

    def check_end(self):
        survivors = processes.mentioning(str(self.folder))
        assert not survivors, f"outlived reeved: {survivors}"

    def close(self):
        """After a test, however it went: nothing of it stays."""
        try:
            if self.process and self.process.poll() is None:
                self.stop()
            found = [line for line in self.all_text().splitlines() if SANITIZER.search(line)]
            assert not found, "\n".join(found)
        finally:
            self.remove()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid, _ in processes.mentioning(str(self.folder)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what it says ----

    def stderr(self):
        path = self.folder / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""

    def all_text(self):
        """All that may hold a sanitizer's words: its own and its face's."""
        logs = [path.read_text(errors="replace") for path in self.logs.glob("@*/*.log*")]
        return "".join([self.stderr(), *logs])

    def log(self, name, slot=0):
        """The current log file of one slot."""
        return self.logs / name / f"{slot}.log"

    def wait_log(self, name, words):
        """Until the log of the pool has these words."""
        with self.events(path=f"/v1/pools/{name}/logs?follow=true&lines=1000") as stream:
            while words not in stream.next()["data"]:
                pass

    # ---- how it is spoken to ----

    def connect(self):
        return client.UnixConnection(self.socket)

    def events(self, since=None, path="/v1/events", headers=None):
        query = "" if since is None else f"?since={since}"
        return client.Events(self.connect(), path + query, headers)

    def wait_until(self, predicate, timeout=client.TIMEOUT):
        """predicate() is asked now and after every event."""
        with self.events() as events:
            return events.wait_until(predicate, timeout)

    def ctl_command(self, *arguments):
        return [BUILD / "ctl/reevectl", "-H", self.socket, *map(str, arguments)]

    def ctl(self, *arguments, code=0):
        """reevectl, over the unix socket; code None: any exit code."""
        done = subprocess.run(self.ctl_command(*arguments), timeout=120, capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        assert code is None or done.returncode == code, \
            f"reevectl {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    # ---- pools and workers ----

    def pool(self, name):
        return self.api.get(f"/v1/pools/{name}").json

    def warnings(self, name):
        """What the pool is warned of, and why it is not well."""
        shown = self.pool(name)
        return [*(item["message"] for item in shown["warnings"]), shown["last_error"] or ""]

    def workers(self, name):
        """By slot, those that have a process."""
        items = self.api.get(f"/v1/workers?pool={name}").json["items"]
        return sorted((item for item in items if item["pid"]), key=lambda item: item["slot"])

    def pids(self, name):
        return [item["pid"] for item in self.workers(name)]

    def wait_state(self, name, state="running", timeout=client.TIMEOUT):
        """Until the pool is in that state; the pool."""
        return self.wait_until(
            lambda: (found := self.pool(name))["state"] == state and found, timeout)

    def wait_ready_pids(self, name, count, timeout=client.TIMEOUT):
        """Until so many workers are ready and no other has a process; their PIDs."""
        def ready():
            found = self.workers(name)
            is_done = len(found) == count and all(item["ready"] for item in found)
            return [item["pid"] for item in found] if is_done else None
        return self.wait_until(ready, timeout) if count else []

    def scale(self, name, body, status=200, headers=None):
        """PATCH scale and wait for the end of the operation."""
        return self.api.patch(f"/v1/pools/{name}/scale", body, status, {**HELD, **(headers or {})})
