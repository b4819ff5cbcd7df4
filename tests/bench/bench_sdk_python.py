"""What the SDK for Python costs: a task through the pool, a request through gunicorn.

usage: bench_sdk_python.py [ROUNDS]

Each round runs all sides in turn, in processes of their own; medians are printed, with the ratio to
the standard library's executor and to gunicorn's own gthread."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit/python"))

from fake_reeve import fake_reeve, line_of  # noqa: E402  the path comes first

TASKS = 20_000
STAND_ALONE = {"REEVE_CONTROL_SOCKET": "", "REEVE_TELEMETRY_FD": "", "NOTIFY_SOCKET": ""}
# One at a time through one thread, and many at once through four.
EXECUTOR = """
import concurrent.futures, sys, time, reeve
kind = concurrent.futures.ThreadPoolExecutor if sys.argv[1] == "standard" else reeve.ThreadPoolExecutor
def nothing():
    pass
def measure(pool, tasks):
    began = time.process_time()
    if pool._max_workers == 1:
        for _ in range(tasks):
            pool.submit(nothing).result()
    else:
        for future in [pool.submit(nothing) for _ in range(tasks)]:
            future.result()
    return (time.process_time() - began) / tasks * 1e6
for threads in (1, 4):
    with kind(threads) as pool:
        measure(pool, 1000)
        print(measure(pool, int(sys.argv[2])), flush=True)
"""
APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *sys.argv[2:]])
"""


def executor(side):
    """Microseconds of CPU a task: one at a time, many at once."""
    # Four slots, so that the pool of four threads is shown whole.
    with fake_reeve(threads=4, room=8) as reeve:
        process = reeve.start(EXECUTOR, side, TASKS,
                              environment={} if side == "reeve, live" else STAND_ALONE)
        return [float(line_of(process)) for _ in range(2)]


def server(arbiter):
    """The process that serves."""
    return int(pathlib.Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()[0])


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gunicorn(side, seconds=3):
    """Over eight kept connections: requests a second, microseconds of CPU a request."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        pathlib.Path(folder, "app.py").write_text(APPLICATION)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        reeve = stack.enter_context(fake_reeve(threads=4, room=16))
        kind = "gthread" if side == "gthread" else "reeve.gunicorn.ThreadWorker"
        process = reeve.run([sys.executable, "-c", LAUNCH, str(listener.fileno()), "--chdir", folder,
                             "-k", kind, "--threads", "4", "--log-level", "error", "--keep-alive", "5",
                             "app:application"], pass_fds=[listener.fileno()],
                            environment=STAND_ALONE if side == "reeve, alone" else {})
        url = "http://127.0.0.1:{}/".format(listener.getsockname()[1])
        with urllib.request.urlopen(url, timeout=60) as answer:  # it has started
            assert answer.read() == b"ok"
        before = cpu_seconds(server(process.pid))
        done = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s", url], capture_output=True,
                              text=True, check=True)
        consumed = cpu_seconds(server(process.pid)) - before
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert "Socket errors" not in done.stdout, done.stdout
        requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
        return [requests / seconds, consumed / requests * 1e6]


def table(title, names, measure, sides, rounds):
    found = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            found[side].append(measure(side))
    medians = {side: [statistics.median(column) for column in zip(*rows)]
               for side, rows in found.items()}
    print(f"\n{title}")
    for index, name in enumerate(names):
        base = medians[sides[0]][index]
        told = "   ".join(f"{side} {medians[side][index]:.1f} ({medians[side][index] / base:.2f} x)"
                          for side in sides)
        print(f"  {name}: {told}")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    table("a task that does nothing", ["us of CPU, one at a time", "us of CPU, many at once"], executor,
          ["standard", "reeve, alone", "reeve, live"], rounds)
    table("a request that does nothing, 4 threads, 8 connections",
          ["requests a second", "us of CPU"], gunicorn, ["gthread", "reeve, alone", "reeve, live"], rounds)


if __name__ == "__main__":
    main()
