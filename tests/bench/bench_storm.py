"""1,000 workers that end with 1 at once, for ever: what that costs, and what others feel of it.

The back-off is as it is by default (100 ms, doubling up to 30 s), the limit of starts is off, so
that the storm does not end. A second pool is watched: how long its workers take to come back.

Usage: bench_storm.py [SECONDS [WORKERS]]"""

import os
import signal
import subprocess
import sys
import time

import bench

CRASH = [str(bench.reeve.BUILD / "tests/workers/worker-crash"), "1"]
CALM_WORKERS, KILLS = 4, 60


def start_client(fleet, seconds):
    """One request after the other on /v1/pools/busy; its one line of numbers comes at the end."""
    requests = max(100, seconds * 100)
    return subprocess.Popen(
        [bench.BENCH / "bench-http", fleet.daemon.socket, "/v1/pools/busy", "1", str(requests), "1"],
        stdout=subprocess.PIPE, text=True)


def kill_calmly(pids, stamps, seconds):
    """Latencies of replacements in the calm pool, spread over the time."""
    found = []
    for i in range(KILLS):
        place = i % len(pids)
        killed = time.monotonic()
        os.kill(pids[place], signal.SIGKILL)
        (pid, began), = stamps.take(1)
        pids[place] = pid
        found.append(began - killed)
        time.sleep(max(0, seconds / KILLS - found[-1]))
    return found


def watch(fleet, pids, stamps, seconds):
    """CPU ratio, restarts per second and latencies of the calm pool over so long."""
    cpu, began = bench.cpu_seconds(fleet.daemon.pid), time.monotonic()
    restarts = fleet.daemon.pool("busy")["restarts"]
    latencies = kill_calmly(pids, stamps, seconds)
    took = time.monotonic() - began
    return ((bench.cpu_seconds(fleet.daemon.pid) - cpu) / took,
            (fleet.daemon.pool("busy")["restarts"] - restarts) / took, latencies)


def page_latency(fleet, seconds):
    client = start_client(fleet, seconds)
    out, _ = client.communicate()
    assert client.returncode == 0
    line = next(line for line in out.splitlines() if line.startswith("reeve "))
    words = dict(word.split("=") for word in line.split()[1:])
    return float(words["p99_usec"]) / 1e3


def show(table, what, found, calm):
    ratio, restarts, latencies = found
    table.note(f"{what}: restarts", "", f"{restarts:.0f} /s")
    table.at_most(f"{what}: CPU of reeved", ratio * 100, 20, "%")
    table.ratio(f"{what}: another pool's restart", calm, latencies, 1.3)


def calm_pool(stamps):
    return bench.reeve.pool(" ".join(stamps.command()), {"Processes": CALM_WORKERS},
                            RestartSec="0", StartLimitBurst="65536")


def storm(count, stamps):
    return bench.fleet(bench.Reeve, CRASH, count=count, pools={"calm": calm_pool(stamps)},
                       Type="simple", StartLimitBurst="0")


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    bench.rise()
    with bench.Stamps() as stamps, storm(0, stamps) as fleet:
        pids = [pid for pid, _ in stamps.take(CALM_WORKERS)]
        _, _, calm = watch(fleet, pids, stamps, seconds)
    with bench.Stamps() as stamps, storm(count, stamps) as fleet:
        pids = [pid for pid, _ in stamps.take(CALM_WORKERS)]
        first = watch(fleet, pids, stamps, seconds)
        later = watch(fleet, pids, stamps, 2 * seconds)
        p99 = page_latency(fleet, seconds)
    table = bench.Table(f"{count} workers that crash for ever")
    show(table, f"first {seconds} s", first, calm)
    show(table, f"next {2 * seconds} s", later, calm)
    table.at_most("GET /v1/pools/busy, 99 of 100", p99, 50, "ms")


if __name__ == "__main__":
    main()
