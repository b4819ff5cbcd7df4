"""Starting, replacing and stopping 1,000 workers: reeved beside a bare loop that does the same.

Usage: bench_supervise.py [ROUNDS [WORKERS]]"""

import os
import random
import signal
import sys
import time

import bench

PAUSE = [str(bench.reeve.BUILD / "tests/workers/worker-pause")]
KILLS = 100
CPU_PER_SPAWN = 0.3  # ms of reeved


def add(values, name, value):
    values.setdefault(name, []).append(value)


# ---- start and stop ----

def start_and_stop(side, count, values):
    """An operation of reeve is done when what it started has proved to stay, so the time until the
    last worker runs is told by the workers themselves."""
    with bench.Stamps() as stamps, bench.fleet(side, stamps.command()) as fleet:
        _, cpu = fleet.start(count)
        add(values, "start", max(began for _, began in stamps.take(count)) - fleet.began)
        add(values, "start-cpu", cpu / count)
        wall, cpu = fleet.stop()
        add(values, "stop", wall)
        add(values, "stop-cpu", cpu / count)


# ---- replacement ----

def latencies_of_kills(pids, stamps, count):
    """Seconds from each SIGKILL until the replacement runs."""
    found = []
    for _ in range(count):
        place = random.randrange(len(pids))
        killed = time.monotonic()
        os.kill(pids[place], signal.SIGKILL)
        (pid, began), = stamps.take(1)
        found.append(began - killed)
        pids[place] = pid
    return found


def kill_all(pids, stamps):
    """Seconds from the first SIGKILL until the last replacement runs."""
    began = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return max(stamp for _, stamp in stamps.take(len(pids))) - began


def replace(side, count, values):
    options = {"RestartSec": "0", "StartLimitBurst": "1000"} if side is bench.Reeve else {}
    with bench.Stamps() as stamps, bench.fleet(side, stamps.command(), **options) as fleet:
        fleet.start(count)
        pids = [pid for pid, _ in stamps.take(count)]
        values.setdefault("replace", []).extend(latencies_of_kills(pids, stamps, KILLS))
        add(values, "replace-all", kill_all(pids, stamps))


# ---- all ----

def measure(rounds, count):
    sides = [bench.Floor, bench.Reeve]
    if bench.GroupedFloor.can_be_had():
        sides.insert(1, bench.GroupedFloor)
    values = {side: {} for side in sides}
    for _ in range(rounds):
        for part in (start_and_stop, replace):
            for side, found in values.items():
                part(side, count, found)
    return values


def show_with_groups(table, floor, grouped, ours):
    """What a cgroup for each worker costs by itself, and what reeved adds to that."""
    for name, what in (("start", "start all"), ("stop", "stop all"),
                       ("replace", "kill -9 of one: until replaced")):
        base, with_groups, found = (bench.median(values[name])
                                    for values in (floor, grouped, ours))
        table.note(f"{what}, floor with groups", f"{with_groups * 1e3:.2f} ms",
                   f"{with_groups / base:.2f} x, then {found / with_groups:.2f} x")


def show(values, rounds, count):
    floor, ours = values[bench.Floor], values[bench.Reeve]
    table = bench.Table(f"{count} workers, medians of {rounds} rounds")
    table.ratio("start all", floor["start"], ours["start"], 1.2)
    table.at_most("CPU of reeved for one start", bench.median(ours["start-cpu"]) * 1e3,
                  CPU_PER_SPAWN, "ms", f"{bench.median(floor['start-cpu']) * 1e3:.2f} ms")
    table.ratio("stop all", floor["stop"], ours["stop"], 1.3)
    table.note("CPU for one stop", f"{bench.median(floor['stop-cpu']) * 1e3:.2f} ms",
               f"{bench.median(ours['stop-cpu']) * 1e3:.2f} ms")
    table.ratio("kill -9 of one: until replaced", floor["replace"], ours["replace"], 1.3)
    table.at_most("the same, 99 of 100", bench.quantile(ours["replace"], 0.99) * 1e3, 10, "ms",
                  f"{bench.quantile(floor['replace'], 0.99) * 1e3:.2f} ms")
    table.ratio("kill -9 of all: until all are back", floor["replace-all"], ours["replace-all"], 1.3)
    if bench.GroupedFloor in values:
        show_with_groups(table, floor, values[bench.GroupedFloor], ours)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    bench.rise()
    show(measure(rounds, count), rounds, count)


if __name__ == "__main__":
    main()
