"""The units and their drop-ins are what systemd takes, with the programs of this build in place."""

import configparser
import os
import re
import shutil
import subprocess

import pytest
import tree

UNITS = {"system": tree.BUILD / "units/reeved.service",
         "user": tree.BUILD / "units/user/reeved.service"}
EXAMPLES = sorted((tree.ROOT / "units/examples").glob("*.conf"))
# With an ending of one: without it systemd-analyze takes no drop-ins.
NAME = "reeved.service"


def verify(folder, unit, which="system", drop_in=None):
    assert shutil.which("systemd-analyze"), \
        "systemd-analyze is not installed: install the package systemd; the units cannot be tested"
    # By a link, since the path of the tree may have blanks.
    program = folder / "reeved"
    program.symlink_to(tree.BUILD / "daemon/reeved")
    text = re.sub(r"(?<=[=-])/\S*/reeved\b", str(program), unit.read_text())
    (folder / NAME).write_text(text)
    if drop_in:
        (folder / f"{NAME}.d").mkdir()
        shutil.copy(drop_in, folder / f"{NAME}.d")
    return subprocess.run(["systemd-analyze", f"--{which}", "verify", "--man=no", folder / NAME],
                          env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("which", UNITS)
def test_units(which, tmp_path):
    done = verify(tmp_path, UNITS[which], which)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples(example, tmp_path):
    done = verify(tmp_path, UNITS["system"], drop_in=example)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_that_mistakes_would_be_seen(tmp_path):
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("[Service]\nRestartSec=soon\n")
    done = verify(tmp_path, UNITS["system"], drop_in=wrong)
    assert "wrong.conf:2" in done.stderr


def settings(path):
    parser = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#")
    parser.optionxform = str
    parser.read(path)
    return dict(parser["Service"])


def test_both_units_keep_and_end_workers_alike():
    system, user = settings(UNITS["system"]), settings(UNITS["user"])
    alike = ["Type", "NotifyAccess", "ExecStart", "ExecReload", "Restart", "RestartSec",
             "RestartPreventExitStatus", "WatchdogSec", "TimeoutStopSec", "KillMode", "Delegate",
             "TasksMax", "OOMPolicy"]
    assert {key: user[key] for key in alike} == {key: system[key] for key in alike}
    assert user["ExecStopPost"].replace("systemctl --user", "systemctl") == system["ExecStopPost"]


def test_what_is_open_is_no_more_than_we_know():
    """systemd's own measure of exposure, 0 to 100: 77 with what is explained in the unit."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=78",
                           UNITS["system"]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_relaxed_directives_have_a_reason():
    """Whatever the unit leaves open for workers stands below a comment that says why."""
    text = (tree.ROOT / "units/reeved.service.in").read_text()
    open_part = text.split("# What stays open, and why:\n")[1].split("\n\n")[0].splitlines()
    directives = [index for index, line in enumerate(open_part) if not line.startswith("#")]
    assert len(directives) > 10
    bare = [open_part[index] for index in directives
            if not open_part[index - 1].startswith("#") and open_part[index] != "ProcSubset=all"]
    assert not bare, bare


def test_accounts():
    """The names are the defaults of reeve.conf."""
    text = (tree.ROOT / "units/sysusers.d/reeve.conf").read_text()
    accounts = [line.split()[:2] for line in text.splitlines() if not line.startswith("#")]
    keys = (tree.ROOT / "daemon/config/keys.c").read_text()
    for kind, name in accounts:
        key = {"u": "ApiUser", "g": "OperateGroup"}[kind]
        assert f'"{key}", "{name}"' in keys
    assert [kind for kind, _ in accounts] == ["u", "g"]
