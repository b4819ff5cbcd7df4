"""Servers x changes: what clients feel while a server under load changes its shape.

usage: bench_servers.py [SECONDS [SERVER...]]

For each server reeved runs it as a pool, eight connections ask for SECONDS (60), and
meanwhile 20 changes are made. bench-load says for each change what was lost and for how long nobody
got an answer; then wrk is the load, of the same duration, and has its say about errors. The floor is
the same load on the same server with no change at all: what the machine itself does. SERVER: c,
gunicorn-reeve, which keep connections, and gunicorn, uwsgi, puma by the files of docs/examples, with
a new connection for each request."""

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import bench
import examples
import reeve

PROCESSES, THREADS = 4, 4  # the shape at the start
SECONDS_MAX = 1200  # of one load, on a machine where each change is slow
GAP_THREADS_MSEC, GAP_PROCESSES_MSEC = 40, 250
CONNECTIONS = 8
PAUSE_USEC = 200  # see bench-load; a thousand rounds of eight requests a second and more remain
def grid(processes, threads):
    return f"{processes}x{threads}", {"processes": processes, "threads": threads}


# Twice over; those marked by "threads" change threads alone where the server can.
ROUND = [grid(1, 8), grid(1, 16), grid(8, 1), grid(4, 4), grid(4, 8), grid(2, 16), grid(2, 4),
         ("--mode threads", {"mode": "threads"}), ("--mode processes", {"mode": "processes"}),
         ("rolling restart", None)]


@dataclasses.dataclass
class Server:
    """One that is measured; live: its threads change without new processes."""
    text: callable  # port -> the pool file
    live: bool = False
    is_quick: bool = False  # its processes start with hardly any work
    needs: str = "true"


def own(command):
    """A pool with live threads, whose clients keep their connections."""
    scale = {"ProcessesMax": 16, "ThreadsMax": 64, "ThreadControl": "live"}
    return lambda port: reeve.pool(command, Type="notify", scale=scale,
                                   listen={"ListenStream": f"127.0.0.1:{port}"},
                                   Environment=f'"PYTHONPATH={reeve.ROOT / "include/python"}"')


def example(name):
    return lambda port: re.sub(r"^ProcessesMax=.*", "ProcessesMax=16",
                               examples.pool_text(f"servers/pools.d/{name}.pool", port),
                               flags=re.MULTILINE)


GUNICORN = (f"/usr/bin/gunicorn --workers 1 --threads ${{REEVE_THREADS}} --log-level warning "
            f"--chdir {reeve.word(examples.EXAMPLES / 'servers')} "
            "-k reeve.gunicorn.ThreadWorker app:application")
SERVERS = {
    "c": Server(own(reeve.worker("web")), live=True, is_quick=True),
    "gunicorn-reeve": Server(own(GUNICORN), live=True, needs="gunicorn"),
    **{name: Server(example(name), needs=name) for name in ("gunicorn", "uwsgi", "puma")},
}


# ---- the pool ----

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """One server as the pool `site` of a reeved of its own."""

    def __init__(self, server):
        self.server, self.port = server, free_port()
        self.daemon = bench.Daemon({"site": server.text(self.port)}, bench.CONF)

    def __enter__(self):
        self.daemon.start()
        self.daemon.wait_state("site", timeout=bench.PATIENCE)
        self.change(grid(PROCESSES, THREADS)[1])
        return self

    def __exit__(self, *_):
        self.daemon.close()

    def change(self, body):
        """The finished operation of one change; None: a rolling restart."""
        if body is None:
            answer = self.daemon.api.send("POST", "/v1/pools/site/restart", {"rolling": True}, bench.WAIT)
        else:
            answer = self.daemon.api.send("PATCH", "/v1/pools/site/scale", body, bench.WAIT)
        assert answer.status == 200 and answer.json["state"] == "done", answer.body
        return answer.json


# ---- the load ----

class Load:
    """bench-load, a window for each change."""

    def __init__(self, site, seconds):
        how = "kept" if site.server.live else "new"
        self.process = subprocess.Popen(
            [bench.BENCH / "bench-load", str(site.port), str(CONNECTIONS), how, str(seconds),
             str(PAUSE_USEC)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def window(self):
        """The figures since the last one."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)",
                                                               self.process.stdout.readline())}

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def is_threads_alone(done):
    return done["from"]["processes"] == done["to"]["processes"] and \
        done["from"]["threads"] != done["to"]["threads"]


def measure(site, seconds):
    """Windows without a change, as many; then each change: (name, operation, window, its seconds). What
    is left of a change's time until the next one is its own."""
    load, floor, rows = Load(site, SECONDS_MAX), [], []
    with contextlib.closing(load):
        time.sleep(seconds / 20)
        load.window()  # starting up
        for _ in ROUND * 2:
            time.sleep(seconds / 20)
            floor.append(load.window())
        for name, body in ROUND * 2:
            began = time.monotonic()
            done = site.change(body)
            took = time.monotonic() - began
            time.sleep(max(0, seconds / 20 - took))
            rows.append((name, done, load.window(), took))
    return floor, rows


def errors_of_wrk(site, seconds):
    """Its requests, and what wrk says of errors during the same changes."""
    close = [] if site.server.live else ["-H", "Connection: close"]
    wrk = subprocess.Popen(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS_MAX}s", *close,
                            f"http://127.0.0.1:{site.port}/"], stdout=subprocess.PIPE, text=True)
    for _, body in ROUND * 2:
        began = time.monotonic()
        site.change(body)
        time.sleep(max(0, seconds / 20 - (time.monotonic() - began)))
    wrk.send_signal(signal.SIGINT)
    text = wrk.communicate()[0]
    errors = re.findall(r"Socket errors:.*|Non-2xx.*", text)
    return int(re.search(r"(\d+) requests in", text)[1]), "; ".join(errors) or "none"


# ---- telling ----

LAYOUT = "  {:<18} {:>8} {:>8} {:>6} {:>9} {:>9} {:>8}  {}"


def processes_of(done):
    if done is None:
        return ""
    return "all kept" if not done["started"] and not done["stopped"] else \
        f"{len(done['kept'])} kept, {len(done['started'])} started, {len(done['stopped'])} stopped"


def show(rows):
    print(LAYOUT.format("change", "took ms", "answers", "lost", "gap ms", "wait ms", "connects",
                        "processes"))
    for name, done, window, took in rows:
        print(LAYOUT.format(name, f"{took * 1e3:.0f}", window["answers"], window["lost"],
                            f"{window['gap_usec'] / 1e3:.1f}", f"{window['wait_usec'] / 1e3:.1f}",
                            window["connects"], processes_of(done)), flush=True)


def worst_msec(windows):
    return max(window["gap_usec"] for window in windows) / 1e3


def judge(name, floor, rows, wrk):
    """The lines of the table: asked, is, and whether that is enough."""
    alone = [row for row in rows if SERVERS[name].live and is_threads_alone(row[1])]
    others = [row for row in rows if row not in alone]
    table = bench.Table(f"{name}: {len(rows)} changes")
    calm = f"{worst_msec(floor):.1f} ms"
    lost = sum(row[2]["lost"] for row in rows)
    table.line("requests lost", str(sum(window["lost"] for window in floor)), str(lost), "0", "", lost == 0)
    table.line(f"errors of wrk in {wrk[0]} requests", "", wrk[1], "none", "", wrk[1] == "none")
    if alone:
        table.at_most("longest gap, threads alone", worst_msec([row[2] for row in alone]),
                      GAP_THREADS_MSEC, "ms", calm)
        replaced = sum(len(row[1]["started"]) + len(row[1]["stopped"]) for row in alone)
        table.line("PIDs not kept, threads alone", "", str(replaced), "0", "", replaced == 0)
    table.at_most("longest gap, processes", worst_msec([row[2] for row in others]), GAP_PROCESSES_MSEC,
                  "ms", calm)


@contextlib.contextmanager
def before_the_rest(server):
    """Real-time scheduling, if we may, where no process works long in one piece: an interpreter that
    starts would hold a processor for its whole slice of 100 ms, which nobody's machine does."""
    if server.is_quick:
        bench.rise()
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def run(name, seconds):
    server = SERVERS[name]
    if not shutil.which(server.needs):
        print(f"\n{name}: {server.needs} is not installed")
        return
    how = "kept connections" if server.live else "a new connection for each request"
    print(f"\n{name}, {how}")
    with before_the_rest(server):
        with Site(server) as site:
            floor, rows = measure(site, seconds)
        show(rows)
        with Site(server) as site:
            wrk = errors_of_wrk(site, seconds)
        judge(name, floor, rows, wrk)


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    for name in sys.argv[2:] or SERVERS:
        run(name, seconds)


if __name__ == "__main__":
    main()
