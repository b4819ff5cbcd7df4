"""Reading: one page with 1,000 workers, one pool, and `reevectl ps`.

The workers are sampled, so that each row has CPU time and memory. The floor of a request is the
same bytes from a bare loop (bench-http), that of reevectl is procps' ps on the same processes.

Usage: bench_api.py [ROUNDS [WORKERS]]"""

import subprocess
import sys

import bench
from bench_supervise import PAUSE


def ask(socket, path, connections, requests, rounds):
    """By side: the numbers of each round."""
    out = subprocess.run(
        [bench.BENCH / "bench-http", socket, path, str(connections), str(requests), str(rounds)],
        check=True, capture_output=True, text=True).stdout
    found = {"floor": [], "reeve": []}
    for line in out.splitlines():
        side, *words = line.split()
        found[side].append({key: float(value) for key, value in (w.split("=") for w in words)})
    return found


def seconds_of(command, rounds):
    values = []
    for _ in range(rounds):
        with bench.seconds_into(values):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return values


def of(rounds, key):
    return bench.median([values[key] for values in rounds])


def show_page(table, found):
    for key, limit in (("median_usec", 7), ("p99_usec", 20)):
        table.at_most(f"1,000 rows, {key.removesuffix('_usec')}", of(found["reeve"], key) / 1e3,
                      limit, "ms", f"{of(found['floor'], key) / 1e3:.2f} ms")


def show_pool(table, what, found):
    table.at_least(what, of(found["reeve"], "per_second"), 10000, "/s",
                   f"{of(found['floor'], 'per_second'):.0f} /s")


def measure(fleet, count, rounds):
    socket = fleet.daemon.socket
    items = fleet.daemon.api.send("GET", "/v1/workers?pool=busy&limit=5000").json["items"]
    assert len(items) == count and all(item["rss_bytes"] for item in items)
    # The PIDs are taken first: ps is asked for the very same processes.
    pids = ",".join(str(item["pid"]) for item in items)
    table = bench.Table(f"reading {count} workers, medians of {rounds} rounds")
    show_page(table, ask(socket, "/v1/workers?pool=busy&limit=1000", 1, 100, rounds))
    show_pool(table, "GET /v1/pools/busy, 1 connection",
              ask(socket, "/v1/pools/busy", 1, 20000, rounds))
    show_pool(table, "GET /v1/pools/busy, 8 connections",
              ask(socket, "/v1/pools/busy", 8, 40000, rounds))
    ours, floor = [], []
    for _ in range(rounds):
        ours += seconds_of(fleet.daemon.ctl_command("ps", "busy"), 5)
        floor += seconds_of(["/usr/bin/ps", "-o", "pid,stat,etime,time,rss,args", "-p", pids], 5)
    table.at_most("reevectl ps work", bench.median(ours) * 1e3, 15, "ms",
                  f"{bench.median(floor) * 1e3:.2f} ms")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    bench.rise()
    with bench.fleet(bench.Reeve, PAUSE, conf={"SampleIntervalSec": "1s"}) as fleet:
        fleet.start(count)
        bench.wait_sampled(fleet, count)
        measure(fleet, count, rounds)


if __name__ == "__main__":
    main()
