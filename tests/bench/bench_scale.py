"""From 10 workers to 200 and back, and whether 5,000 cost each what 1,000 do.

Usage: bench_scale.py [ROUNDS [WORKERS]]"""

import sys

import bench
from bench_supervise import PAUSE

FEW, MORE = 10, 200
DESCRIPTORS = 20000  # reeved has some per worker; hard limits are at least this as a rule


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


def cost(count, values):
    """Wall, CPU and memory for one of so many, reeved and the floor."""
    with bench.fleet(bench.Floor, PAUSE) as fleet:
        floor_wall, _ = fleet.start(count)
    with bench.fleet(bench.Reeve, PAUSE, count_max=count) as fleet:
        empty = bench.pss_bytes(fleet.daemon.pid)
        wall, cpu = fleet.start(count)
        memory = bench.pss_bytes(fleet.daemon.pid) - empty
        stop_wall, stop_cpu = fleet.stop()
    for name, value in (("floor start", floor_wall), ("start", wall), ("start CPU", cpu),
                        ("stop", stop_wall), ("stop CPU", stop_cpu)):
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
