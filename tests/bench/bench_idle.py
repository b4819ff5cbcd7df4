"""What 1,000 workers cost while nothing happens: wake-ups and memory of reeved and reeve-api.

Usage: bench_idle.py [SECONDS [WORKERS]]"""

import sys
import time

import bench
from bench_supervise import PAUSE

MEBIBYTE = 1 << 20


def look(fleet, seconds):
    """Of each of the two processes: wake-ups and CPU seconds while we wait, PSS after it."""
    pids = [fleet.daemon.pid, fleet.face_pid()]
    before = [(bench.switches(pid), bench.cpu_seconds(pid)) for pid in pids]
    time.sleep(seconds)  # the measurement itself: nothing must happen
    return [(bench.switches(pid) - woken, bench.cpu_seconds(pid) - cpu, bench.pss_bytes(pid))
            for pid, (woken, cpu) in zip(pids, before)]


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with bench.fleet(bench.Reeve, PAUSE, count_max=count, StableSec="1s") as fleet:
        fleet.start(count)
        time.sleep(3)  # each worker becomes stable once, which is not idling
        core, face = look(fleet, seconds)
    table = bench.Table(f"{count} workers that do nothing for {seconds} s, not sampled")
    table.at_most("wake-ups of reeved", core[0], seconds, "")
    table.at_most("CPU of reeved", core[1] * 1e3, seconds, "ms")
    table.at_most("wake-ups of reeve-api", face[0], seconds, "")
    table.at_most("PSS of reeved", core[2] / MEBIBYTE, 3.5, "MB")
    table.at_most("PSS of reeved and reeve-api", (core[2] + face[2]) / MEBIBYTE, 12, "MB")


if __name__ == "__main__":
    main()
