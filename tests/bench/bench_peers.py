"""Other supervisors beside reeve: starting, replacing, stopping and idling, in one run.

Each runs so many copies of bench-stamp under its own client. What is not installed is left out and
named; nothing is installed here. In Debian: supervisor, runit.

Usage: bench_peers.py [WORKERS]"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import bench

DEADLINE = 60  # seconds


def quiet(*command):
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_gone(pids):
    deadline = time.monotonic() + DEADLINE
    while any(pathlib.Path(f"/proc/{pid}/exe").exists() for pid in pids):
        assert time.monotonic() < deadline, "they do not end"
        time.sleep(0.001)


def family(pid):
    """A process and all below it but the workers: those are bench-stamp."""
    found, queue = [], [pid]
    while queue:
        pid = queue.pop()
        with contextlib.suppress(FileNotFoundError):
            queue += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() != "bench-stamp":
                found.append(pid)
    return found


class Peer:
    """One supervisor in a folder of its own."""

    def __init__(self, command, count):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rv-peer-", dir="/dev/shm"))
        self.services = [self.folder / "services" / f"w{i}" for i in range(count)]
        self.line = " ".join(command)
        self.prepare(count)
        self.process = subprocess.Popen(self.daemon(), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.folder)

    def prepare(self, count):
        for service in self.services:
            service.mkdir(parents=True)
            script = service / "run"
            script.write_text(f"#!/bin/sh\nexec {self.line}\n")
            script.chmod(0o755)

    def close(self):
        self.process.send_signal(self.end)
        self.process.wait(DEADLINE)
        shutil.rmtree(self.folder, ignore_errors=True)


class Supervisord(Peer):
    name, program, end = "supervisord", "supervisord", signal.SIGTERM

    def prepare(self, count):
        (self.folder / "conf").write_text(f"""[unix_http_server]
file={self.folder}/sock
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
minfds=8192
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{self.folder}/sock
[program:w]
command={self.line}
numprocs={count}
process_name=%(process_num)d
stdout_logfile={self.folder}/%(process_num)d.log
stderr_logfile=NONE
""")

    def daemon(self):
        return ["supervisord", "-c", str(self.folder / "conf")]

    def status(self):
        quiet("supervisorctl", "-c", str(self.folder / "conf"), "status")

    def stop(self):
        quiet("supervisorctl", "-c", str(self.folder / "conf"), "stop", "all")


class Runit(Peer):
    name, program, end = "runit", "runsvdir", signal.SIGHUP

    def daemon(self):
        return ["runsvdir", str(self.folder / "services")]

    def status(self):
        quiet("sv", "status", *self.services)

    def stop(self):
        quiet("sv", "-w", str(DEADLINE), "stop", *self.services)


class Ours:
    """reeve, with the same questions."""

    name = "reeve"

    def __init__(self, command, count):
        self.side = bench.Reeve(command, count=count, count_max=5000)
        self.process = self.side.daemon.process
        self.stop, self.close = self.side.stop, self.side.close

    def status(self):
        subprocess.run(self.side.daemon.ctl_command("ps"), check=True, stdout=subprocess.DEVNULL)


def measure(kind, count):
    """Milliseconds to start all, to replace one that is killed, of a status, to stop; PSS; PIDs."""
    with bench.Stamps() as stamps:
        began = time.monotonic()
        peer = kind(stamps.command(), count)
        try:
            stamped = stamps.take(count)
            numbers = [max(at for _, at in stamped) - began]
            time.sleep(12)  # the starts count as good ones everywhere, and waiting restarts are over
            gaps = []
            for pid, _ in stamped[:9]:
                killed = time.monotonic()
                os.kill(pid, signal.SIGKILL)
                gaps.append(stamps.take(1)[0][1] - killed)
            numbers.append(bench.median(gaps))
            processes = family(peer.process.pid)
            memory = sum(map(bench.pss_bytes, processes)) / (1 << 20)
            with bench.seconds_into(numbers):
                peer.status()
            with bench.seconds_into(numbers):
                peer.stop()
                wait_gone([pid for pid, _ in stamped])
        finally:
            peer.close()
    return [value * 1e3 for value in numbers] + [memory, len(processes)]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    layout = "{:<14} {:>12} {:>12} {:>12} {:>12} {:>10} {:>10}"
    print(f"\n{count} workers under each\n  {bench.machine()}")
    print(layout.format("", "start ms", "replace ms", "status ms", "stop ms", "PSS MB", "processes"))
    for kind in (Ours, Supervisord, Runit):
        if kind is not Ours and not shutil.which(kind.program):
            print(f"{kind.name:<14} is not installed")
            continue
        *times, memory, processes = measure(kind, count)
        print(layout.format(kind.name, *(f"{value:.1f}" for value in times), f"{memory:.1f}",
                            processes), flush=True)


if __name__ == "__main__":
    main()
