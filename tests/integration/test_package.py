"""The Debian package: lintian is content, an upgrade touches no worker, and a purge leaves little."""

import pathlib
import re
import subprocess

import machine
import pytest
import reeve

WHY_NOT = machine.why_not()
pytestmark = [pytest.mark.long, pytest.mark.timeout(900),
              pytest.mark.skipif(WHY_NOT is not None, reason=f"no systemd of our own: {WHY_NOT}")]
NEXT = "999.0"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Two versions of reeve.deb, the newer one made of the other's content: (old, new)"""
    # Builds, and holds lintian to errors and warnings.
    subprocess.run([reeve.ROOT / "dev", "deb"], check=True, timeout=800)
    old = next((reeve.ROOT / "build/deb").glob("reeve_*.deb"))
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["dpkg-deb", "--raw-extract", old, folder / "tree"], check=True)
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {NEXT}", control.read_text()))
    new = folder / "new.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", folder / "tree", new], check=True)
    return old, new


@pytest.fixture
def boot(packages):
    """A machine without reeve, with the packages and a pool of three workers in /opt"""
    files = {"/opt/old.deb": packages[0], "/opt/new.deb": packages[1],
             "/opt/worker-pause": pathlib.Path(reeve.BUILD / "tests/workers/worker-pause")}
    made = machine.Machine(files, is_installed=False)
    # Images for containers forbid packages to start and stop services.
    made.run("rm", "-f", "/usr/sbin/policy-rc.d")
    yield made
    made.close()


def install(made, which):
    # What it depends on is here: the tree was built on this machine.
    made.run("dpkg", "--install", "--force-confold", f"/opt/{which}.deb")


def test_life_of_the_package(boot):
    install(boot, "old")
    # Nothing surprising: no service runs or will, the accounts are there.
    assert boot.unit("ActiveState") == "inactive"
    assert boot.run("systemctl", "is-enabled", "reeved", code=None).strip() == "disabled"
    boot.run("getent", "passwd", "reeve-api")
    boot.run("getent", "group", "reeve")

    boot.write("/etc/reeve/pools.d/pause.pool",
               reeve.pool("/opt/worker-pause", scale={"Processes": 3}, User="daemon"))
    boot.run("systemctl", "start", "reeved")
    boot.run("reevectl", "wait", "pause", "--timeout=60s")
    before, main = boot.pids("pause"), boot.unit("MainPID")
    assert len(before) == 3

    # The upgrade: neither the workers nor the daemon are touched; the new one takes them over.
    install(boot, "new")
    assert boot.run("dpkg-query", "-W", "-f", "${Version}", "reeve") == NEXT
    assert boot.pids("pause") == before and boot.unit("MainPID") == main
    boot.wait_kept("pause", 3)
    cursor = boot.journal_end()
    boot.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", "reeved")
    boot.wait_journal(cursor, "is ready")
    boot.run("reevectl", "wait", "pause", "--timeout=60s")
    assert boot.pids("pause") == before and boot.unit("MainPID") != main

    boot.run("dpkg", "--remove", "reeve")
    assert boot.living("worker-pause") == [] and boot.living("reeved") == []
    assert "pause.pool" in boot.run("ls", "/etc/reeve/pools.d")

    boot.run("dpkg", "--purge", "reeve")
    left = boot.shell("find /etc /usr /lib /var /run -xdev -name '*reeve*' 2>/dev/null", code=None)
    left = [path for path in left.splitlines() if re.search(r"[^a-z]reeve[^/]*$", path)
            and not path.startswith(("/run/systemd/", "/var/lib/systemd/"))]
    assert left == ["/etc/reeve"], left
