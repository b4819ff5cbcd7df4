"""From 10 workers to 200 and back, and whether 5,000 cost each what 1,000 do.

Usage: bench_scale.py [ROUNDS [WORKERS]]"""

import contextlib
import sys

import bench
from bench_supervise import PAUSE

FEW, MORE = 10, 200


def up_and_down(rounds):
    ups, downs = [], []
    with bench.fleet(bench.Reeve, PAUSE) as fleet:
        fleet.start(FEW)
        first = set(fleet.pids())
        for _ in range(rounds):
            ups.append(fleet.scale(MORE)[0])
            downs.append(fleet.scale(FEW)[0])
            assert set(fleet.pids()) == first, "the first workers were replaced"
    return ups, downs


@contextlib.contextmanager
def start(side, count, **options):
    """A fleet that runs, and the seconds until its last worker did."""
    with bench.Stamps() as stamps, bench.fleet(side, stamps.command(), **options) as fleet:
        _, cpu = fleet.start(count)
        yield fleet, max(began for _, began in stamps.take(count)) - fleet.began, cpu


def cost(count, values):
    """Wall, CPU and memory for one of so many, reeved and the floor."""
    found = {}
    with start(bench.Floor, count) as (_, wall, _):
        found["start, floor"] = wall
    with start(bench.Reeve, count, count_max=count) as (fleet, wall, cpu):
        memory = bench.pss_bytes(fleet.daemon.pid)
        stop_wall, stop_cpu = fleet.stop()
        found |= {"start": wall, "start, CPU": cpu, "stop": stop_wall, "stop, CPU": stop_cpu}
    for name, value in found.items():
        values.setdefault(name, []).append(value / count * 1e6)
    values.setdefault("memory", []).append(memory / count)


def show_cost(few, many, count_few, count_many):
    table = bench.Table(f"cost of one worker: of {count_few} (left) and of {count_many} (right)")
    for name, values in few.items():
        small, large = bench.median(values), bench.median(many[name])
        unit = "bytes" if name == "memory" else "us"
        table.line(name, f"{small:.0f} {unit}", f"{large:.0f} {unit}", "<= 1.2 x",
                   f"{large / small:.2f} x", large / small <= 1.2)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    many = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    bench.rise()
    ups, downs = up_and_down(rounds)
    table = bench.Table(f"{FEW} workers to {MORE} and back, medians of {rounds} rounds")
    table.at_most("up", bench.median(ups), 0.5, "s")
    table.at_most("down, the first 10 kept", bench.median(downs), 0.3, "s")
    few_values, many_values = {}, {}
    for _ in range(max(1, rounds // 2)):
        cost(1000, few_values)
        cost(many, many_values)
    show_cost(few_values, many_values, 1000, many)


if __name__ == "__main__":
    main()
