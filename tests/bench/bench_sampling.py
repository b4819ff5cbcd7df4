"""What looking at threads costs: each rung of the sampling ladder, top -H -b and pidstat -t, on the same
threads in one run.

Usage: bench_sampling.py [THREADS [PROCESSES]]

Of reeved all is counted that a round costs it for threads: the kernel's walk, what each waits on, the
ratios and the board. It is the CPU time of its one thread over many rounds, less that of rounds that look
at processes alone. Of the others it is the user and system time of a refresh: that of a run of many
refreshes less that of a run of one."""

import json
import resource
import shutil
import subprocess
import sys
import time

import bench
import reeve

RUNGS = ["bpf", "bpf-iterator", "procfs"]
INTERVAL_SECONDS, ROUNDS, REFRESHES = 0.25, 24, 4


def conf(rung):
    # Without a budget that stretches the interval, or rounds could not be counted.
    return {"SampleIntervalSec": f"{INTERVAL_SECONDS}s", "SampleBudget": "100%", "Sampler": rung}


def rows_of(daemon):
    pids = [row["pid"] for row in daemon.api.get("/v1/workers?pool=w&limit=5000").json["items"]]
    answers = [daemon.api.get(f"/v1/workers/{pid}/threads?limit=5000&fields=waiting_on,cpu_ratio").json
               for pid in pids if pid]
    return [row for answer in answers for row in answer["items"] if row["cpu_ratio"] is not None]


def cost_of(daemon, rung, count):
    """CPU seconds of one round; None if this rung cannot be had here."""
    daemon.write_conf(conf(rung))
    daemon.api.post("/v1/reload")
    if rung != "process":
        reeve.client.wait_seen(lambda: len(rows_of(daemon)) >= count, timeout=120)
    if daemon.api.get("/v1/").json["sampler"] != rung:
        return None
    began, before = time.monotonic(), bench.cpu_seconds(daemon.pid)
    time.sleep(ROUNDS * INTERVAL_SECONDS)  # the measurement itself
    used, took = bench.cpu_seconds(daemon.pid) - before, time.monotonic() - began
    return used * INTERVAL_SECONDS / took


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command):
    before = children_seconds()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return children_seconds() - before


def refresh_of(command):
    """CPU seconds of one refresh; None if there is no such program. @command: what gets a count"""
    if not shutil.which(command(1)[0]):
        return None
    return (run(command(1 + REFRESHES)) - run(command(1))) / REFRESHES


def tell(name, seconds, count, best):
    if seconds is None:
        print(f"{name:26} cannot be had here")
        return
    ratio = f"{seconds / best:8.0f} x" if best and seconds > 0 else ""
    print(f"{name:26} {seconds * 1e6 / count:9.2f} us per thread {seconds * 1e3:9.2f} ms {ratio}")


def main():
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    program = reeve.BUILD / "tests/bench/bench-sleepers"
    pools = {"w": reeve.pool(f"{program} {threads // processes}",
                             scale={"Processes": processes, "ProcessesMax": processes})}
    daemon = reeve.Daemon(pools, conf=conf("process"))
    try:
        daemon.start()
        daemon.wait_state("w")
        costs = {rung: cost_of(daemon, rung, threads) for rung in ["process", *RUNGS]}
        others = {"top -H -b": refresh_of(lambda n: ["top", "-H", "-b", "-d", "0.5", "-n", str(n)]),
                  "pidstat -t": refresh_of(lambda n: ["pidstat", "-t", "1", str(n)])}
    finally:
        daemon.close()
    own = {rung: None if costs[rung] is None else max(0, costs[rung] - costs["process"]) for rung in RUNGS}
    best = own["bpf"] or own["bpf-iterator"] or own["procfs"]
    print(f"{threads} threads in {processes} processes, one sample or refresh, CPU time")
    for name, seconds in {**own, **others}.items():
        tell(name, seconds, threads, best)
    print(json.dumps({name: seconds for name, seconds in {**own, **others}.items() if seconds is not None}))


if __name__ == "__main__":
    main()
