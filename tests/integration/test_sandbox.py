"""What workers see of the file system, and what of root's rights they can have."""

import os
import subprocess

import pytest
from reeve import pool

pytestmark = pytest.mark.root

WAIT = "/bin/sleep infinity"
# Ready once what it was told to do is done; it is in no folder that a test hides.
SPEAK = ("import os, socket, sys, time; print('it speaks', flush=True); "
         "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET']); "
         "time.sleep(1000)")


@pytest.fixture
def place(tmp_path):
    """A folder that any user may enter, with a file in it."""
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/file").write_text("words")
    (tmp_path / "file").write_text("words")
    return tmp_path


def sees(pid, *command):
    """Whether a command of root succeeds where the worker is."""
    done = subprocess.run(["nsenter", "-t", str(pid), "-m", *map(str, command)], capture_output=True, check=False)
    return done.returncode == 0


def started(reeve, command=WAIT, **keys):
    daemon = reeve({"w": pool(command, **keys)})
    daemon.wait_state("w")
    return daemon, daemon.pids("w")[0]


def can_write(pid, folder):
    name = f"{folder}/written-{os.getpid()}"
    return sees(pid, "sh", "-c", f"echo > {name} && rm {name}")


def test_a_system_that_is_read_only(reeve, place):
    _, pid = started(reeve, ProtectSystem="strict", ReadWritePaths=str(place / "inside"))
    assert not can_write(pid, place) and not can_write(pid, "/etc") and not can_write(pid, "/")
    assert can_write(pid, place / "inside") and can_write(pid, "/dev")
    assert sees(pid, "sh", "-c", "echo 0 > /proc/self/oom_score_adj")
    assert can_write(os.getpid(), place)  # nothing of it is seen outside


@pytest.mark.parametrize("value, closed, is_open", [("yes", ["/usr"], ["/etc"]), ("full", ["/usr", "/etc"], ["/var"]),
                                                    ("no", [], ["/etc"])])
def test_parts_of_the_system(reeve, value, closed, is_open):
    _, pid = started(reeve, ProtectSystem=value)
    assert not [folder for folder in closed if can_write(pid, folder)]
    assert all(can_write(pid, folder) for folder in is_open)


def test_a_tmp_of_its_own(reeve, place):
    """For each worker another; reeved's sockets are reached even when they are in the hidden one."""
    daemon = reeve({"w": pool(f'/usr/bin/python3 -c "{SPEAK}"', Type="notify", PrivateTmp="yes", User="nobody",
                              scale={"Processes": 2})})
    daemon.wait_state("w")
    first, second = daemon.pids("w")
    daemon.wait_log("w", "it speaks")
    assert sees(first, "sh", "-c", "touch /tmp/mine /var/tmp/mine") and not sees(second, "test", "-e", "/tmp/mine")
    assert not sees(first, "test", "-e", place)
    assert not os.path.exists("/tmp/mine")
    assert sees(first, "sh", "-c", "test $(stat -c %a /tmp) = 1777 && findmnt -n -o OPTIONS /tmp | grep -q nosuid")


def test_homes(reeve):
    daemon = reeve({value: pool(WAIT, ProtectHome=value) for value in ("yes", "read-only", "tmpfs")})
    pids = {}
    for value in ("yes", "read-only", "tmpfs"):
        daemon.wait_state(value)
        pids[value] = daemon.pids(value)[0]
        assert not can_write(pids[value], "/root"), value
    assert sees(pids["yes"], "sh", "-c", "test $(stat -c %a /root) = 0 && test -z \"$(ls -A /root)\"")
    assert sees(pids["tmpfs"], "sh", "-c", "test $(stat -c %a /root) = 755 && test -z \"$(ls -A /root)\"")
    assert sees(pids["read-only"], "test", "-e", "/root")


def test_what_is_inaccessible(reeve, place):
    """A folder, a file, and by a symbolic link; what is asked for below it stays hidden."""
    (place / "other").mkdir()
    (place / "other/file").write_text("words")
    (place / "link").symlink_to(place / "other")
    _, pid = started(reeve, InaccessiblePaths=f"{place}/inside {place}/file {place}/link",
                     ReadWritePaths=f"{place}/inside/file")
    for hidden in ("inside/file", "other/file"):
        assert not sees(pid, "test", "-e", place / hidden), hidden
    assert not sees(pid, "grep", "-q", "words", place / "file")
    assert not sees(pid, "sh", "-c", f"setpriv --reuid=65534 --clear-groups cat {place}/file")
    assert (place / "file").read_text() == "words"
    assert sees(pid, "test", "-c", "/dev/null")  # which was in the way for a moment


def test_the_stricter_and_the_nearer_rule(reeve, place):
    (place / "inside/deep").mkdir()
    _, pid = started(reeve, ReadOnlyPaths=f"{place} {place}/inside/deep", ReadWritePaths=f"{place}/inside {place}")
    assert not can_write(pid, place) and can_write(pid, place / "inside")
    assert not can_write(pid, place / "inside/deep")


def test_what_was_read_only_stays_so(reeve, place):
    """ReadWritePaths= gives back what was, and no more."""
    daemon = reeve({"w": pool(WAIT, ProtectSystem="strict", ReadWritePaths=f"{place}/inside")},
                   prefix=["unshare", "--mount", "sh", "-c",
                           f"mount -t tmpfs -o ro tmpfs {place}/inside && exec \"$@\"", "sh"])
    daemon.wait_state("w")
    assert not can_write(daemon.pids("w")[0], place / "inside")


def test_what_is_mounted_below_is_read_only_too(reeve, place):
    daemon = reeve({"w": pool(WAIT, ReadOnlyPaths=str(place))},
                   prefix=["unshare", "--mount", "sh", "-c",
                           f"mount -t tmpfs tmpfs {place}/inside && exec \"$@\"", "sh"])
    daemon.wait_state("w")
    assert not can_write(daemon.pids("w")[0], place / "inside")


def test_missing_paths(reeve, place):
    _, pid = started(reeve, ReadOnlyPaths=f"-{place}/nowhere {place}/inside")
    assert not can_write(pid, place / "inside")
    daemon = reeve({"w": pool(WAIT, ReadOnlyPaths=f"{place}/nowhere", Restart="no")})
    daemon.wait_state("w", "failed")
    assert f"{place}/nowhere: No such file" in daemon.pool("w")["last_error"]


def test_the_command_must_be_seen(reeve, place):
    daemon = reeve({"w": pool(f"{place}/inside/file", InaccessiblePaths=f"{place}/inside", Restart="no")})
    daemon.wait_state("w", "failed")
    assert "cannot execute" in daemon.pool("w")["last_error"]


def test_the_working_directory_is_of_the_new_view(reeve, place):
    _, pid = started(reeve, ReadOnlyPaths=str(place), WorkingDirectory=str(place))
    assert os.readlink(f"/proc/{pid}/cwd") == str(place)
    assert subprocess.run(["nsenter", "-t", str(pid), "-m", "--wd", "touch", "x"], check=False,
                          capture_output=True).returncode != 0


def test_capabilities(reeve):
    daemon = reeve({"few": pool(WAIT, CapabilityBoundingSet=["CAP_NET_BIND_SERVICE", "cap_chown"]),
                    "less": pool(WAIT, CapabilityBoundingSet="~CAP_NET_RAW CAP_SYS_PTRACE")})

    def bounding(name):
        daemon.wait_state(name)
        with open(f"/proc/{daemon.pids(name)[0]}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("CapBnd")).split()[1], 16)

    with open("/proc/self/status", encoding="ascii") as status:
        own = int(next(line for line in status if line.startswith("CapBnd")).split()[1], 16)
    assert bounding("few") == own & (1 << 10 | 1 << 0)
    assert bounding("less") == own & ~(1 << 13 | 1 << 19)


def test_adoption(reeve):
    """Its output is taken back through /proc although it sees another file system."""
    talk = "/bin/sh -c 'while :; do echo word; sleep 0.05; done'"
    daemon, pid = started(reeve, talk, ProtectSystem="strict", PrivateTmp="yes")
    daemon.wait_log("w", "word")
    daemon.crash()
    daemon.start()
    assert daemon.pids("w") == [pid]
    with daemon.events(path="/v1/pools/w/logs?follow=true&lines=1") as stream:
        assert [stream.next()["data"] for _ in range(3)]  # one that was there, two that come


def test_a_change_replaces_workers(reeve):
    daemon, pid = started(reeve)
    daemon.write_pool("w", pool(WAIT, PrivateTmp="yes"))
    daemon.ctl("reload")
    daemon.wait_until(lambda: pid not in daemon.pids("w") and daemon.pids("w"))
    assert sees(daemon.pids("w")[0], "mountpoint", "-q", "/tmp")


@pytest.mark.parametrize("key, value", [("PrivateTmp", "yes"), ("ProtectSystem", "full"), ("ReadOnlyPaths", "/etc"),
                                        ("CapabilityBoundingSet", "~CAP_NET_RAW")])
def test_without_the_right_nothing_starts(reeve, key, value):
    """Nobody is to believe in a sandbox that is not there."""
    daemon = reeve({"w": pool(WAIT, Restart="no", **{key: value})}, start=False)
    subprocess.run(["chown", "-R", "65534:65534", daemon.folder], check=True)
    daemon.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    daemon.start()
    daemon.wait_state("w", "failed")
    assert "runs as root" in daemon.pool("w")["last_error"]
