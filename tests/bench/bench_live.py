"""reevectl scale from 1x8 to 1x64 on a worker of the C SDK: until the first task runs on a new thread,
until one runs on each of the 56, and that no process is restarted.

The floor is the same program without reeve: its control socket is ours, and the time runs from the
bare message THREADS=64. What reeve adds is reevectl (a process of its own), HTTP, the face, the core.

Usage: bench_live.py [ROUNDS]"""

import os
import socket
import subprocess
import sys
import time

import bench

FEW, MANY = 8, 64


class Side:
    """One worker with FEW threads, obeying through a FIFO."""

    def __init__(self, stamps):
        self.stamps = stamps
        self.commands = stamps.folder / f"commands-{self.name}"
        os.mkfifo(self.commands)
        self.fd = os.open(self.commands, os.O_RDWR | os.O_CLOEXEC)
        self.command = [str(bench.BENCH / "bench-live"), str(stamps.path), str(self.commands)]
        self.first, self.last, self.pids = [], [], set()

    def say(self, commands):
        os.write(self.fd, commands.encode())

    def round(self):
        """All FEW threads are busy and a task for each new one waits, when more are asked for."""
        self.say("t" * FEW)
        self.stamps.take(FEW)
        self.say("t" * (MANY - FEW) + "m")
        self.stamps.take(1)
        began = time.monotonic()
        self.resize(MANY)
        found = self.stamps.take(MANY - FEW)
        self.first.append(min(at for _, at in found) - began)
        self.last.append(max(at for _, at in found) - began)
        self.pids |= {pid for pid, _ in found}
        self.say("r" * MANY)
        self.resize(FEW)

    def close(self):
        os.close(self.fd)
        self.commands.unlink()


class Bare(Side):
    """The worker alone; we are at the other end of its control socket."""

    name = "bare"

    def __init__(self, stamps):
        super().__init__(stamps)
        path = stamps.folder / "control"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(path))
            listener.listen()
            self.process = subprocess.Popen(
                self.command, env={**os.environ, "REEVE_THREADS": str(FEW),
                                   "REEVE_CONTROL_SOCKET": str(path)})
            self.connection = listener.accept()[0]
        path.unlink()
        self.sequence = 0
        self.connection.recv(4096)  # its hello

    def resize(self, threads):
        self.sequence += 1
        self.connection.send(f"SEQUENCE={self.sequence}\nTHREADS={threads}\n".encode())
        while f"SEQUENCE={self.sequence}\n" not in self.connection.recv(4096).decode():
            pass

    def close(self):
        self.process.kill()
        self.process.wait()
        self.connection.close()
        super().close()


class Scaled(Side):
    """Under reeve, and asked by reevectl."""

    name = "reeve"

    def __init__(self, stamps):
        super().__init__(stamps)
        text = bench.reeve.pool(" ".join(self.command), Type="notify", scale={
            "ThreadControl": "live", "Processes": 1, "Threads": FEW, "ThreadsMax": MANY})
        self.daemon = bench.Daemon({"w": text}, bench.CONF)
        self.daemon.start()
        self.daemon.wait_ready_pids("w", 1)

    def resize(self, threads):
        self.daemon.ctl("scale", "w", f"1x{threads}")

    def close(self):
        self.daemon.close()
        super().close()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    bench.rise()
    with bench.Stamps() as stamps:
        sides = [Bare(stamps), Scaled(stamps)]
        try:
            for _ in range(rounds):
                for side in sides:
                    side.round()
        finally:
            for side in sides:
                side.close()
    bare, scaled = sides
    table = bench.Table(f"reevectl scale from 1x{FEW} to 1x{MANY}, {rounds} times")
    for what, floor, ours in (("first task on a new thread", bare.first, scaled.first),
                              ("tasks on all new threads", bare.last, scaled.last)):
        table.at_most(what, bench.median(ours) * 1e3, 20, "ms",
                      f"{bench.median(floor) * 1e3:.2f} ms")
        table.note("the same, the slowest", f"{max(floor) * 1e3:.2f} ms", f"{max(ours) * 1e3:.2f} ms")
    table.at_most("processes that served", len(scaled.pids), 1, "", str(len(bare.pids)))


if __name__ == "__main__":
    main()
