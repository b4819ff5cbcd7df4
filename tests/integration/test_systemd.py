"""reeve as a service: installed into a machine of its own, run and ended by a real systemd."""

import json

import machine
import pytest
import reeve

WHY_NOT = machine.why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"no systemd of our own: {WHY_NOT}")

BIN = reeve.BUILD / "tests/workers"
PROGRAMS = {f"/opt/{name}": BIN / name for name in ("worker-pause", "worker-ignore_term")}
SCOPE = "reeved-workers.scope"
PAUSE = reeve.pool("/opt/worker-pause", scale={"Processes": 3}, User="daemon")
# Nothing but SIGKILL ends it, and reeved never gets there by itself.
STUBBORN = reeve.pool("/opt/worker-ignore_term", TimeoutStopSec="infinity")


@pytest.fixture
def boot():
    machines = []

    def make(**pools):
        files = {f"/etc/reeve/pools.d/{name}.pool": text for name, text in pools.items()}
        made = machine.Machine({**PROGRAMS, **files})
        machines.append(made)
        made.run("systemd-sysusers")
        return made

    yield make
    for made in machines:
        made.close()


def start(made):
    made.run("systemctl", "start", "reeved")
    made.run("reevectl", "wait", "pause", "--timeout=60s")
    made.wait_kept("pause", 3)
    return made


@pytest.fixture
def running(boot):
    """With three workers of the pool pause."""
    made = boot(pause=PAUSE)
    return start(made)


def adopted(running, deed):
    """What the pool's PIDs are before and after a deed that ends reeved, once it is back."""
    before, main, cursor = running.pids("pause"), running.unit("MainPID"), running.journal_end()
    deed()
    running.wait_journal(cursor, "is ready")
    running.run("reevectl", "wait", "pause", "--timeout=60s")
    running.wait_kept("pause", 3)
    assert running.unit("MainPID") != main
    assert running.unit("ActiveState") == "active"
    return before, running.pids("pause")


def test_start(running):
    """start returns when reeved is ready; workers and the face live in the scope beside it."""
    assert running.unit("ActiveState") == "active"
    assert "API at /run/reeve/api.sock" in running.unit("StatusText")
    pids = running.pids("pause")
    assert len(pids) == 3
    for pid in pids:
        group = running.shell(f"cat /proc/{pid}/cgroup").splitlines()[-1]
        assert group.startswith(f"0::/system.slice/{SCOPE}/"), group
        assert running.shell(f"cat /proc/{pid}/oom_score_adj").strip() == "0"
    assert running.run("ps", "-o", "user:20=", "-p", pids[0]).strip() == "daemon"
    assert running.run("ps", "-C", "reeve-api", "-o", "user:20=").strip() == "reeve-api"
    daemon = json.loads(running.run("reevectl", "status", "-o", "json"))
    assert daemon["families"] == "cgroup", daemon["warnings"]
    own = running.shell("cat /sys/fs/cgroup/system.slice/reeved.service/cgroup.procs")
    assert own.split() == [running.unit("MainPID")]
    assert running.run("systemctl", "show", SCOPE, "-P", "Delegate").strip() == "yes"
    assert not [warning for warning in daemon["warnings"] if "ApiUser" in warning["message"]]


def test_socket_is_for_the_group(running):
    assert running.run("stat", "-c", "%a %U:%G", "/run/reeve/api.sock").split() == ["660", "root:reeve"]
    assert running.run("stat", "-c", "%a", "/var/log/reeve").strip() == "750"


def test_sandbox_is_inherited(running):
    """Workers cannot write where the unit says that they cannot."""
    pid = running.pids("pause")[0]
    for place in ("/etc", "/usr", "/proc/sys"):
        options = running.shell(f"nsenter -t {pid} -m findmnt -n -o OPTIONS -T {place}")
        assert "ro" in options.strip().split(","), (place, options)
    running.shell(f"nsenter -t {pid} -m test ! -e /dev/loop-control -a -w /var/lib")


def test_reload(running):
    before, main = running.pids("pause"), running.unit("MainPID")
    cursor = running.journal_end()
    running.write("/etc/reeve/pools.d/more.pool", reeve.pool("/opt/worker-pause"))
    running.run("systemctl", "reload", "reeved")
    running.wait_journal(cursor, "configuration reloaded")
    running.run("reevectl", "wait", "more", "--timeout=60s")
    assert running.pids("pause") == before
    assert running.unit("MainPID") == main


def test_reload_with_a_broken_file_fails(running):
    before = running.pids("pause")
    running.write("/etc/reeve/pools.d/broken.pool", "[Pool]\nExecStart=relative\n")
    assert running.run("systemctl", "reload", "reeved", code=1)
    assert "broken.pool:2" in running.run("journalctl", "-u", "reeved", "-o", "cat")
    assert running.unit("ActiveState") == "active"
    assert running.pids("pause") == before


def test_crash_keeps_the_workers(running):
    before, after = adopted(running, lambda: running.run("kill", "-9", running.unit("MainPID")))
    assert after == before
    assert running.unit("NRestarts") == "1"


def test_crashes_in_a_row(running):
    """No start limit stands between workers and their supervisor."""
    for _ in range(8):
        before, after = adopted(running, lambda: running.run("kill", "-9", running.unit("MainPID")))
        assert after == before


def test_watchdog_ends_a_reeved_that_hangs(boot):
    made = boot(pause=PAUSE)
    made.drop_in("WatchdogSec=1s")
    start(made)
    before, after = adopted(made, lambda: made.run("kill", "-STOP", made.unit("MainPID")))
    assert after == before
    assert "Watchdog timeout" in made.run("journalctl", "-u", "reeved", "-o", "cat")


def test_crash_with_a_broken_configuration(running):
    """systemd does not start reeved again; workers live on, and are taken back when it is mended."""
    before, cursor = running.pids("pause"), running.journal_end()
    running.write("/etc/reeve/pools.d/broken.pool", "[Pool]\nExecStart=relative\n")
    running.run("kill", "-9", running.unit("MainPID"))
    running.wait_journal(cursor, "status=78/CONFIG")
    assert sorted(running.living("worker-pause"), key=int) == sorted(map(str, before), key=int)
    running.run("rm", "/etc/reeve/pools.d/broken.pool")
    running.run("systemctl", "start", "reeved")
    running.run("reevectl", "wait", "pause", "--timeout=60s")
    assert running.pids("pause") == before


def test_what_a_crash_left_can_be_ended(running):
    """A stop between a crash and the next start finds nobody who could stop workers."""
    running.drop_in("RestartSec=infinity")
    cursor = running.journal_end()
    running.run("kill", "-9", running.unit("MainPID"))
    running.wait_journal(cursor, "Failed with result 'signal'")
    running.run("systemctl", "stop", "reeved")
    assert len(running.living("worker-pause")) == 3
    running.run("systemctl", "stop", SCOPE)
    assert running.living("worker-pause") == []


def test_a_scope_that_was_stopped_is_made_anew(running):
    """An administrator ends all workers behind reeved's back: they are started in another one."""
    before = running.pids("pause")
    running.run("systemctl", "stop", SCOPE)
    running.run("reevectl", "wait", "pause", "--timeout=60s")
    after = running.pids("pause")
    assert len(after) == 3 and not set(before) & set(after)
    assert running.run("systemctl", "is-active", SCOPE).strip() == "active"
    group = running.shell(f"cat /proc/{after[0]}/cgroup").splitlines()[-1]
    assert group.startswith(f"0::/system.slice/{SCOPE}/"), group


def test_the_scope_lives_while_a_pool_rests(running):
    running.run("reevectl", "stop", "pause")
    running.run("reevectl", "start", "pause")
    group = running.shell(f"cat /proc/{running.pids('pause')[0]}/cgroup").splitlines()[-1]
    assert group.startswith(f"0::/system.slice/{SCOPE}/"), group


def test_without_an_answer_of_systemd(boot):
    """No scope is no reason to have no workers: they live below the service, as it says."""
    made = boot(pause=PAUSE.replace("[Pool]", "[Pool]\nMemoryMax=1G", 1))
    made.drop_in("InaccessiblePaths=/run/systemd/private")
    start(made)
    group = made.shell(f"cat /proc/{made.pids('pause')[0]}/cgroup").splitlines()[-1]
    assert group.startswith("0::/system.slice/reeved.service/"), group
    warnings = json.loads(made.run("reevectl", "status", "-o", "json"))["warnings"]
    assert [warning for warning in warnings if "scope of workers" in warning["message"]], warnings
    before, after = adopted(made, lambda: made.run("kill", "-9", made.unit("MainPID")))
    assert after == before
    made.run("systemctl", "stop", "reeved")
    assert made.living("worker-pause") == []


def test_limits_that_cannot_be_had_are_told(boot):
    """Once for each key, with the reason and what to do."""
    made = boot(pause=PAUSE.replace("[Pool]", "[Pool]\nMemoryMax=1G\nPoolTasksMax=100", 1))
    start(made)
    told = [warning["message"] for warning in json.loads(made.run("reevectl", "status", "-o", "json"))["warnings"]]
    if "memory" in made.run("cat", "/sys/fs/cgroup/cgroup.controllers").split():
        assert not [message for message in told if "effect" in message], told
        group = f"/sys/fs/cgroup/system.slice/{SCOPE}/reeve-*.workers/pause"
        assert made.shell(f"cat {group}/0/memory.max {group}/pids.max").split() == [str(1 << 30), "100"]
    else:
        assert len([message for message in told if message.startswith("MemoryMax= has no effect")]) == 1, told
        assert len([message for message in told if message.startswith("PoolTasksMax= has no effect")]) == 1, told


def test_stop(running):
    running.run("systemctl", "stop", "reeved")
    assert running.living("worker-pause") == []
    assert running.living("reeve-api") == []
    assert running.unit("Result") == "success"
    running.shell("test ! -e /sys/fs/cgroup/system.slice/reeved.service")
    running.shell(f"timeout 60 bash -c 'while systemctl is-active -q {SCOPE}; do :; done'")
    assert running.living("reeve-exec") == []


def test_stop_after_a_crash(running):
    """Those that were taken back are ended as well."""
    adopted(running, lambda: running.run("kill", "-9", running.unit("MainPID")))
    running.run("systemctl", "stop", "reeved")
    assert running.living("worker-pause") == []
    assert running.unit("Result") == "success"


def test_stop_leaves_nothing_behind(boot):
    """A stop that takes too long is ended by systemd, and what is left of the workers with it."""
    made = boot(stubborn=STUBBORN, pause=PAUSE)
    made.drop_in("TimeoutStopSec=1s")
    made.run("systemctl", "start", "reeved")
    made.run("reevectl", "wait", "stubborn", "pause", "--timeout=60s")
    assert made.living("worker-ignore_t")
    made.run("systemctl", "stop", "reeved", code=None)
    assert made.unit("Result") == "timeout"
    assert made.living("worker-ignore_t") == []
    assert made.living("worker-pause") == []


def test_restart_is_stop_and_start(running):
    before = running.pids("pause")
    running.run("systemctl", "restart", "reeved")
    running.run("reevectl", "wait", "pause", "--timeout=60s")
    after = running.pids("pause")
    assert len(after) == 3 and not set(before) & set(after)


def test_replacement_of_reeved_that_keeps_workers(running):
    """What reeved(8) says about a new version of reeved."""
    before, after = adopted(running, lambda: running.run(
        "systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", "reeved"))
    assert after == before


def test_output_in_the_journal(boot):
    """Each line with its own priority, to be found by pool, slot and PID."""
    words = "echo plain; echo '<3>it broke'; echo '<7>a detail' >&2; exec /opt/worker-pause"
    made = boot(pause=PAUSE, talk=reeve.pool(f'/bin/sh -c "{words}"', StandardOutput="journal"))
    start(made)
    made.run("reevectl", "wait", "talk", "--timeout=60s")
    pid, = made.pids("talk")
    made.wait_in_journal("REEVE_POOL=talk", 3)
    output = made.run("journalctl", "-o", "json", "REEVE_POOL=talk")
    entries = [json.loads(line) for line in output.splitlines()]
    assert {(e["MESSAGE"], e["PRIORITY"]) for e in entries} == {
        ("plain", "6"), ("it broke", "3"), ("a detail", "7")}
    for entry in entries:
        assert (entry["SYSLOG_IDENTIFIER"], entry["REEVE_POOL"], entry["REEVE_SLOT"],
                entry["REEVE_PID"]) == ("talk", "talk", "0", str(pid))
        assert entry["_SYSTEMD_UNIT"] == "reeved.service"
    assert "it broke" in made.run("journalctl", "-p", "err", "-t", "talk", "-o", "cat")
    assert "plain" not in made.run("journalctl", "-p", "err", "-t", "talk", "-o", "cat")


@pytest.mark.parametrize("example", ["devices", "full-root", "slow-stop"])
def test_examples(boot, example):
    made = boot(pause=PAUSE)
    folder = "/etc/systemd/system/reeved.service.d"
    made.shell(f"mkdir -p {folder} && cp $(find /usr -path '*reeved.service.d/{example}.conf') {folder}/")
    made.run("systemctl", "daemon-reload")
    assert example in made.unit("DropInPaths")
    start(made)
    made.run("systemctl", "stop", "reeved")
    assert made.living("worker-pause") == []
