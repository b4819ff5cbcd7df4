"""Limits of pools and workers, in a kernel of our own that has all cgroup controllers."""

import time

import pytest
import reeve
import uml

WHY_NOT = uml.why_not()
pytestmark = [pytest.mark.long, pytest.mark.skipif(WHY_NOT is not None, reason=f"no kernel of our own: {WHY_NOT}")]

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def guest():
    made = uml.Guest()
    try:
        made.write_pool("first", reeve.pool(reeve.worker("pause"), MemoryMax="100M", MemoryHigh="90M", MemorySwapMax="0",
                                            CPUQuota="150%", TasksMax="50", CPUWeight="300", PoolMemoryMax="300M",
                                            PoolTasksMax="80", PoolCPUQuota="250%", scale={"Processes": 2}))
        made.start()
        yield made
    finally:
        made.close()


def reload(guest):
    guest.ctl("reload")


def add(guest, name, command, **keys):
    guest.write_pool(name, reeve.pool(command, **keys))
    reload(guest)


def remove(guest, name):
    guest.run("rm", f"{uml.BASE}/etc/pools.d/{name}.pool")
    reload(guest)
    guest.wait(f"test ! -d /sys/fs/cgroup/reeve-*.workers/{name}")


def test_what_the_groups_say(guest):
    assert not [warning for warning in guest.reevectl("status")["warnings"] if "effect" in warning["message"]]
    wanted = {"memory.max": 100 * MEGABYTE, "memory.high": 90 * MEGABYTE, "cpu.max": "150000 100000", "pids.max": 50}
    for slot in (0, 1):
        assert {name: guest.file("first", slot, name) for name in wanted} == {k: str(v) for k, v in wanted.items()}
    wanted = {"memory.max": 300 * MEGABYTE, "cpu.max": "250000 100000", "pids.max": 80, "cpu.weight": 300}
    assert {name: guest.file("first", None, name) for name in wanted} == {k: str(v) for k, v in wanted.items()}


def test_a_change_takes_hold_at_once_and_moves_nobody(guest):
    before = [worker["pid"] for worker in guest.workers("first")]
    text = reeve.pool(reeve.worker("pause"), MemoryMax="80M", CPUQuota="20%", PoolTasksMax="70", scale={"Processes": 2})
    guest.write_pool("first", text)
    reload(guest)
    assert [worker["pid"] for worker in guest.workers("first")] == before
    for slot in (0, 1):
        assert guest.file("first", slot, "memory.max") == str(80 * MEGABYTE)
        assert guest.file("first", slot, "memory.high") == "max"
        assert guest.file("first", slot, "cpu.max") == "20000 100000"
        assert guest.file("first", slot, "pids.max") == "max"
    assert guest.file("first", None, "pids.max") == "70"
    assert guest.file("first", None, "memory.max") == "max"
    assert guest.file("first", None, "cpu.weight") == "100"


def test_processors_by_the_quota_of_the_pools_above(guest):
    """A quota that somebody sets above reeve's groups is seen while reeved runs."""
    assert guest.reevectl("status")["cpus"]["quota"] is None
    guest.shell("echo 50000 100000 > /sys/fs/cgroup/reeve-*.workers/cpu.max")
    guest.wait(f"{reeve.BUILD}/ctl/reevectl -H {uml.BASE}/run/api.sock status -o json | grep -q '\"quota\": *0.5'")
    guest.shell("echo max > /sys/fs/cgroup/reeve-*.workers/cpu.max")


def test_a_slot_that_is_added_later_has_them_too(guest):
    add(guest, "later", reeve.worker("pause"), TasksMax="7", scale={"Processes": 1})
    guest.ctl("scale", "later", "-p", "3")
    assert guest.file("later", 2, "pids.max") == "7"
    remove(guest, "later")


def test_oom_is_told_apart_from_sigkill(guest):
    add(guest, "hungry", reeve.worker("hungry", "memory", "200"), MemoryMax="40M", MemorySwapMax="0", Restart="no")
    guest.wait(f"grep -q 'hungry: worker 0 ended' {uml.BASE}/stderr")
    worker = guest.workers("hungry")[0]
    assert worker["last_exit"]["reason"] == "oom-kill"
    assert worker["last_exit"]["signal"] == "SIGKILL"
    remove(guest, "hungry")


def test_sigkill_is_no_oom(guest):
    add(guest, "killed", reeve.worker("pause"), MemoryMax="40M", Restart="no")
    guest.run("kill", "-9", guest.workers("killed")[0]["pid"])
    guest.wait(f"grep -q 'killed: worker 0 ended' {uml.BASE}/stderr")
    last = guest.workers("killed")[0]["last_exit"]
    assert last["signal"] == "SIGKILL" and "reason" not in last
    remove(guest, "killed")


def test_the_pool_together(guest):
    """Each of the two may have 100 MB, both together 60."""
    add(guest, "both", reeve.worker("hungry", "memory", "45"), PoolMemoryMax="60M", MemoryMax="100M", MemorySwapMax="0",
        Restart="no", scale={"Processes": 2})
    guest.wait(f"grep -q 'both: worker [01] ended' {uml.BASE}/stderr")
    reasons = [(worker["last_exit"] or {}).get("reason") for worker in guest.workers("both")]
    assert "oom-kill" in reasons
    remove(guest, "both")


def test_cpu_quota(guest):
    add(guest, "busy", reeve.worker("hungry", "cpu"), CPUQuota="20%")
    guest.wait("awk '/nr_periods/ { exit $2 < 20 }' /sys/fs/cgroup/reeve-*.workers/busy/0/cpu.stat")
    stat = dict(line.split() for line in guest.file("busy", 0, "cpu.stat").splitlines())
    periods, throttled = int(stat["nr_periods"]), int(stat["nr_throttled"])
    assert throttled >= periods * 0.8, stat
    # No more than the quota of all periods, and of one that has just begun.
    assert int(stat["usage_usec"]) <= (periods + 2) * 20_000 * 1.2, stat
    remove(guest, "busy")


def test_memory_high(guest):
    add(guest, "high", reeve.worker("hungry", "memory", "60"), MemoryHigh="30M", MemorySwapMax="0")
    guest.wait("awk '/^high / { exit $2 == 0 }' /sys/fs/cgroup/reeve-*.workers/high/0/memory.events")
    assert "oom_kill 0" in guest.file("high", 0, "memory.events")
    remove(guest, "high")


def test_fork_bomb(guest):
    """It is held within its pool, others start as before, and it is ended at once."""
    add(guest, "bomb", reeve.worker("hungry", "tasks"), TasksMax="20")
    guest.wait("awk '/^max / { exit $2 < 5 }' /sys/fs/cgroup/reeve-*.workers/bomb/0/pids.events")
    assert int(guest.file("bomb", 0, "pids.current")) <= 20
    add(guest, "other", reeve.worker("pause"))
    begun = time.monotonic()
    guest.ctl("stop", "bomb")
    assert time.monotonic() - begun < 10  # of which reeve needs a small part: each command forks slowly here
    guest.shell("test ! -e /sys/fs/cgroup/reeve-*.workers/bomb && ! pgrep -x worker-hungry")
    assert guest.workers("other")[0]["state"] == "ready"
    remove(guest, "bomb")
    remove(guest, "other")


def test_adopted_workers_have_the_limits_of_now(guest):
    """reeved is killed, the file changes, and the next reeved sets what differs."""
    before = [worker["pid"] for worker in guest.workers("first")]
    crash(guest)
    guest.write_pool("first", reeve.pool(reeve.worker("pause"), MemoryMax="70M", scale={"Processes": 2}))
    guest.start()
    assert [worker["pid"] for worker in guest.workers("first")] == before
    assert guest.file("first", 0, "memory.max") == str(70 * MEGABYTE)
    assert guest.file("first", 1, "cpu.max") == "max 100000"
    assert guest.file("first", None, "pids.max") == "max"


def crash(guest):
    guest.shell("pkill -9 -x reeved; until ! pgrep -x reeve-api; do :; done")
    guest.run("rm", "-f", f"{uml.BASE}/run/api.sock")


def test_alone_in_a_group():
    """As in a container: reeved moves aside, and the next one finds what the first has made."""
    guest = uml.Guest()
    try:
        guest.top = "/sys/fs/cgroup/box"
        guest.shell(f"echo +cpu +memory +pids >/sys/fs/cgroup/cgroup.subtree_control && mkdir {guest.top}")
        guest.write_pool("w", reeve.pool(reeve.worker("pause"), MemoryMax="50M", TasksMax="9"))
        guest.start("/box")
        assert not [warning for warning in guest.reevectl("status")["warnings"] if "effect" in warning["message"]]
        assert guest.file("w", 0, "memory.max") == str(50 * MEGABYTE)
        assert guest.file("w", 0, "pids.max") == "9"
        assert "/box/reeved" in guest.shell("cat /proc/$(pgrep -x reeved)/cgroup")
        before = [worker["pid"] for worker in guest.workers("w")]
        crash(guest)
        guest.write_pool("w", reeve.pool(reeve.worker("pause"), MemoryMax="60M"))
        guest.start("/box/reeved")
        assert [worker["pid"] for worker in guest.workers("w")] == before
        assert guest.file("w", 0, "memory.max") == str(60 * MEGABYTE)
        assert guest.file("w", 0, "pids.max") == "max"
    finally:
        guest.close()


def test_not_alone_in_a_group():
    """Workers run, and the warning says why they have no limits."""
    guest = uml.Guest()
    try:
        guest.top = "/sys/fs/cgroup/box"
        guest.shell(f"echo +memory >/sys/fs/cgroup/cgroup.subtree_control && mkdir {guest.top} && "
                    f"{{ sh -c 'echo 0 >{guest.top}/cgroup.procs; exec sleep 1000' >/dev/null 2>&1 & }}")
        guest.write_pool("w", reeve.pool(reeve.worker("pause"), MemoryMax="50M"))
        guest.wait(f"grep -q . {guest.top}/cgroup.procs")
        guest.start("/box")
        told = [warning["message"] for warning in guest.reevectl("status")["warnings"]]
        assert len([message for message in told if "others are in reeved's own cgroup" in message]) == 1, told
        assert guest.workers("w")[0]["state"] == "ready"
    finally:
        guest.close()
