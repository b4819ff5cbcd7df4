"""A Linux kernel of our own as a process (User-Mode Linux), with all cgroup controllers free

It runs on the files of the machine outside, which it can only read; /run and the cgroup tree are
its own, it has one processor, and its first process is uml_guest.py. Debian's package
user-mode-linux has the kernel; REEVE_UML may name a folder into which it was unpacked."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import machine
import reeve

GUEST = pathlib.Path(__file__).resolve().parent / "uml_guest.py"
BASE = "/run/reeve"


def kernel():
    unpacked = pathlib.Path(os.environ.get("REEVE_UML", "/nonexistent")) / "usr/bin/linux.uml"
    return str(unpacked) if unpacked.exists() else shutil.which("linux.uml")


def why_not():
    """Why there can be no such kernel here; None: there can."""
    if os.uname().machine != "x86_64":
        return "User-Mode Linux is for x86_64 alone"
    if reeve.SANITIZED:
        return "a sanitizer takes more address space than there is in User-Mode Linux"
    return None if kernel() else "the package user-mode-linux is not installed"


class Guest(machine.Agent):
    """With a reeved as root, whose folders are below BASE"""

    def __init__(self):
        self.top = "/sys/fs/cgroup"
        self.folder = tempfile.TemporaryDirectory(prefix="uml-")
        self.process = subprocess.Popen(
            [kernel(), "mem=512M", "rootfstype=hostfs", "rootflags=/", "ro", f"init={GUEST}",
             f"uml_dir={self.folder.name}/", "con=null", "con1=fd:0,fd:1", "ssl=null", "quiet", "loglevel=3"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True)
        _, controllers = self.answer()
        self.controllers = set(controllers.split())

    def close(self):
        """The power goes off. A process of the guest is one out here too, and is no child's business
        once the kernel is gone: the whole session ends."""
        os.killpg(self.process.pid, signal.SIGKILL)
        super().close()
        self.folder.cleanup()

    def complaint(self):
        return self.ask("tail", "-n", 60, f"{BASE}/stderr")[1]

    # ---- reeve in it ----

    def write_pool(self, name, text):
        self.write(f"{BASE}/etc/pools.d/{name}.pool", text)

    def start(self, group=""):
        """@group: that reeved is started in, below the root of the tree: "/box" """
        self.shell(f"mkdir -p {BASE}/etc/pools.d && echo 0 >/sys/fs/cgroup{group}/cgroup.procs; "
                   f"cd /; {reeve.BUILD}/daemon/reeved --config {BASE}/etc "
                   f"--state {BASE}/state --runtime {BASE}/run --log-dir {BASE}/log "
                   f">>{BASE}/stderr 2>&1 </dev/null &")
        self.wait(f"test -S {BASE}/run/api.sock")
        self.ctl("wait", "--all", "--timeout=60s")

    def ctl(self, *words, code=0):
        return self.run(reeve.BUILD / "ctl/reevectl", "-H", f"{BASE}/run/api.sock", *words, code=code)

    def reevectl(self, *words):
        return json.loads(self.ctl(*words, "-o", "json"))

    def wait(self, condition):
        """Until a shell command succeeds."""
        self.run("timeout", 60, "bash", "-c", f"until {condition}; do sleep 0.05; done")

    def workers(self, pool):
        return self.reevectl("ps", pool)["items"]

    def file(self, pool, slot, name):
        """A file in the group of a slot; slot None: of the pool"""
        place = f"/{slot}" if slot is not None else ""
        return self.shell(f"cat {self.top}/reeve-*.workers/{pool}{place}/{name}").strip()
