"""Output of workers: whole lines, in files of the size asked for, whatever the others do."""

import contextlib
import os
import re
import subprocess

import pytest
from client import wait_seen
from reeve import SANITIZED, pool, worker

LINE = 100


def flood(lines, **log):
    return pool(worker("flood", lines, LINE), Type="notify", log=log)


def numbers(text):
    return [int(line[:10]) for line in text.splitlines()]


def files_of(daemon, name, slot=0):
    """Oldest first: SLOT.log.N .. SLOT.log.1, SLOT.log"""
    found = daemon.log(name, slot).parent.glob(f"{slot}.log*")
    return sorted(found, key=lambda path: -int(re.search(r"(\d*)$", path.name)[1] or 0))


def sizes(files):
    """How much is in those of the files that are there: one may just be put aside."""
    total = 0
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def wait_lines(daemon, name, count):
    """The log's tail, followed until so many lines have come."""
    with daemon.events(path=f"/v1/pools/{name}/logs?follow=true&lines=1000000") as stream:
        lines = []
        while len(lines) < count:
            lines += stream.next()["data"].splitlines()
    return lines


def captured(daemon, name):
    """How many bytes of its only worker are in files."""
    return sum(row["log"]["captured_bytes"] for row in daemon.workers(name))


def wait_captured(daemon, name, count):
    """Until that is all it says, although the files do not keep it all."""
    wait_seen(lambda: captured(daemon, name) == count)


def test_lines_arrive_in_order(reeve):
    daemon = reeve({"w": flood(2000)})
    daemon.wait_state("w")
    assert len(wait_lines(daemon, "w", 2000)) == 2000
    assert numbers(daemon.log("w").read_text()) == list(range(2000))


def test_tail(reeve):
    daemon = reeve({"w": flood(500)})
    daemon.wait_state("w")
    wait_lines(daemon, "w", 500)
    tail = daemon.api.get("/v1/pools/w/logs?lines=7")
    assert numbers(tail.body.decode()) == list(range(493, 500))
    assert numbers(daemon.ctl("logs", "w", "-n", "3").stdout) == [497, 498, 499]
    assert numbers(daemon.ctl("logs", "w", "-n", "3", "--slot", "0").stdout) == [497, 498, 499]


def test_rotation_between_lines(reeve):
    daemon = reeve({"w": flood(5000, MaxSize="64K", MaxFiles=20)})
    daemon.wait_state("w")
    wait_lines(daemon, "w", 5000)
    files = files_of(daemon, "w")
    assert len(files) >= 5000 * LINE // 65536
    assert all(path.stat().st_size <= 65536 for path in files)
    assert all(path.read_bytes().endswith(b"\n") for path in files)
    assert numbers("".join(path.read_text() for path in files)) == list(range(5000))


def test_old_files_go(reeve):
    daemon = reeve({"w": flood(5000, MaxSize="64K", MaxFiles=2)})
    wait_captured(daemon, "w", 5000 * LINE)
    files = files_of(daemon, "w")
    assert len(files) <= 3
    kept = numbers("".join(path.read_text() for path in files))
    assert kept == list(range(kept[0], 5000)) and kept[0] > 0


def test_follow_with_reevectl(reeve):
    daemon = reeve({"w": pool(worker("notify_worker"), Type="notify", StandardOutput="log"),
                    "f": flood(200)})
    daemon.wait_state("f")
    following = subprocess.Popen([*daemon.ctl_command("logs", "f", "-f", "-n", "50")],
                                 stdout=subprocess.PIPE, text=True)
    with following:
        assert [int(following.stdout.readline()[:10]) for _ in range(50)] == list(range(150, 200))
        daemon.api.post("/v1/pools/f/restart", {})
        assert [int(following.stdout.readline()[:10]) for _ in range(200)] == list(range(200))
        following.terminate()


def test_an_endless_line_is_cut_beside_other_pools(reeve):
    daemon = reeve({"endless": pool(worker("flood", 48, 60000, 0), Type="notify"),
                    "short": flood(1)})
    daemon.wait_state("endless")
    daemon.wait_state("short")
    wait_captured(daemon, "endless", 48 * 60000)
    first, second = daemon.ctl("logs", "endless", "short", "-n", "1").stdout.splitlines()
    assert re.fullmatch(rf"endless: \d{{10}}\.+.* \[and {48 * 60000 - 65536} bytes more\]", first)
    assert second.startswith("short: 0000000000")


def anonymous_kilobytes(pid):
    """Memory of its own: what it holds of files and of the board does not count."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(dict(line.split(":\t") for line in status)["RssAnon"].split()[0])


def test_t27_a_flood_delays_nobody(reeve):
    daemon = reeve({"flood": pool(worker("flood", 0, 1000), log={"MaxSize": "8M", "MaxFiles": 2}),
                    "calm": pool(worker("notify"), Type="notify")})
    daemon.wait_state("calm")
    before, memory = captured(daemon, "flood"), anonymous_kilobytes(daemon.pid)
    wait_seen(lambda: captured(daemon, "flood") > before + (16 << 20))
    between = captured(daemon, "flood")
    daemon.scale("calm", {"processes": 3})
    # Requests, starts and words of others got through while the flood went on, not after it.
    wait_seen(lambda: captured(daemon, "flood") > between)
    if not SANITIZED:
        assert anonymous_kilobytes(daemon.pid) - memory < 8192
    assert sizes(files_of(daemon, "flood")) <= 3 * (8 << 20)


def test_t27_one_endless_line(reeve):
    daemon = reeve({"w": pool(worker("flood", 3000, 1000, 0), Type="notify",
                              log={"MaxSize": "1M", "MaxFiles": 20})})
    wait_captured(daemon, "w", 3000 * 1000)
    files = files_of(daemon, "w")
    assert len(files) > 1 and all(path.stat().st_size <= 1 << 20 for path in files)


@pytest.mark.root
def test_t11_a_full_disk(reeve):
    """The log folder is a file system of 1 MB in a mount namespace of the daemon's own."""
    mount = 'mkdir -p "$0" && mount -t tmpfs -o size=1m,mode=755 none "$0" && exec "$@"'
    daemon = reeve(start=False)
    daemon.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, daemon.logs]
    daemon.write_pool("w", flood(40000, MaxSize="100M"))
    daemon.start()
    with daemon.events(since=0) as events:
        events.wait("pool.log", pool="w")
        # The worker is not held up: it says READY=1 after its last line.
        events.wait_until(lambda: daemon.pool("w")["state"] == "running")


def test_output_that_nobody_wants(reeve):
    daemon = reeve({"w": pool(worker("flood", 10, LINE), Type="notify", StandardOutput="null")})
    daemon.wait_state("w")
    assert not daemon.log("w").exists() or daemon.log("w").read_bytes() == b""


def test_lines_are_counted_over_all_slots(reeve):
    """Each slot gives its share, in order, and none is given twice."""
    daemon = reeve({"w": pool(worker("flood", 50, LINE), Type="notify", scale={"Processes": 3})})
    daemon.wait_state("w")
    wait_lines(daemon, "w", 150)
    lines = daemon.ctl("logs", "w", "-n", "7").stdout.splitlines()
    assert len(lines) == 7
    assert [line.split(" | ")[0] for line in lines] == ["0"] * 3 + ["1"] * 2 + ["2"] * 2


def test_output_elsewhere_is_told(reeve, tmp_path):
    daemon = reeve({"w": pool("/bin/sleep 1000", StandardOutput=f"append:{tmp_path}/out"),
                    "n": pool("/bin/sleep 1000", StandardOutput="null")})
    daemon.wait_state("w")
    told = daemon.ctl("logs", "w", code=None).stderr
    assert f"The output of pool w goes to {tmp_path}/out." in told
    assert "nowhere" in daemon.ctl("logs", "n", code=None).stderr


@pytest.mark.parametrize("how", ["ctl", "reload"])
def test_files_that_were_moved_away(reeve, tmp_path, how):
    """The worker goes on; what it says next is in the file of that name."""
    os.mkfifo(tmp_path / "go")
    daemon = reeve({"w": pool(f"/bin/sh -c 'while read x <&3; do echo $$x; done 3<>{tmp_path}/go'")})
    (tmp_path / "go").write_text("before\n")
    daemon.wait_log("w", "before")
    pids = daemon.pids("w")
    daemon.log("w").rename(daemon.log("w").with_name("moved"))
    if how == "ctl":
        assert "w writes to its log files anew" in daemon.ctl("logs", "w", "--reopen").stdout
    else:
        daemon.ctl("reload")
    (tmp_path / "go").write_text("after\n")
    daemon.wait_log("w", "after")
    assert daemon.log("w").read_text() == "after\n"
    assert daemon.log("w").with_name("moved").read_text() == "before\n"
    assert daemon.pids("w") == pids
