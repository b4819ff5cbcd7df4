"""init, check and doctor: from nothing to pools that run, and what is in the way."""

import json
import os
import subprocess

import pytest
import reeve as harness

NOBODY = 65534


def reevectl(*arguments, code=0, **options):
    done = subprocess.run([harness.BUILD / "ctl/reevectl", *map(str, arguments)], check=False,
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **options)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def findings(*arguments, code=None, **options):
    """{check: [finding]}"""
    found = {}
    report = json.loads(reevectl(*arguments, "doctor", "-o", "json", code=code, **options).stdout)
    for finding in report["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    counted = [finding["level"] for group in found.values() for finding in group]
    assert {level: counted.count(level) for level in ("ok", "warn", "fail")} \
        == {level: report[level] for level in ("ok", "warn", "fail")}
    return found


# ---- init ----

def test_init_without_words(tmp_path):
    """The example of it runs as it is."""
    told = reevectl("init", "--into", tmp_path / "etc").stdout
    assert f"reevectl check {tmp_path}/etc" in told
    assert reevectl("check", tmp_path / "etc").stdout == "1 pool, no problems\n"


def test_init_with_a_command(reeve, tmp_path):
    daemon = reeve(start=False)
    (daemon.etc / "reeve.conf").write_text("# mine\n[Reeve]\n")
    told = reevectl("init", "web", "--into", daemon.etc, "--", "sh", "-c",
                    "echo 'got $1'; exec sleep 1000", "x", "$HOME", cwd=tmp_path).stdout
    assert f"kept {daemon.etc}/reeve.conf" in told
    assert (daemon.etc / "reeve.conf").read_text() == "# mine\n[Reeve]\n"
    text = (daemon.etc / "pools.d/web.pool").read_text()
    assert f"WorkingDirectory={tmp_path}\n" in text
    daemon.write_pool("web", text)
    daemon.start()
    daemon.wait_log("web", "got $1")
    again = reevectl("init", "web", "--into", daemon.etc, "--", "sh", code=1)
    assert "web.pool: File exists" in again.stderr


def test_init_of_known_programs(tmp_path):
    program = tmp_path / "bin/gunicorn"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = {**os.environ, "PATH": f"{program.parent}:/usr/bin:/bin"}
    for name, command in (("plain", ["gunicorn", "app"]), ("module", ["sh", "-m", "gunicorn", "app"])):
        reevectl("init", name, "--into", tmp_path / "etc", "--", *command, env=path)
        assert "Type=notify\n" in (tmp_path / f"etc/pools.d/{name}.pool").read_text()
    assert f"ExecStart={program} app\n" in (tmp_path / "etc/pools.d/plain.pool").read_text()
    reevectl("check", tmp_path / "etc")


@pytest.mark.parametrize("words, code, said", [
    (["web"], 2, "needs the command too"), (["Web", "sh"], 2, "name of a pool"),
    (["web", "no-such-program"], 1, "there is no program no-such-program"),
])
def test_init_refuses(tmp_path, words, code, said):
    assert said in reevectl("init", "--into", tmp_path, *words, code=code).stderr
    assert not list(tmp_path.rglob("*.pool"))


# ---- check ----

def check(folder, text, code=0):
    (folder / "pools.d").mkdir(parents=True, exist_ok=True)
    (folder / "pools.d/web.pool").write_text(text)
    return reevectl("check", folder, code=code).stdout.replace(f"{folder}/pools.d/", "")


def test_check_looks_at_the_machine(tmp_path):
    told = check(tmp_path, "[Pool]\nExecStart=/no/such arg\nUser=no-such-user\nGroup=no-such-group\n"
                           "WorkingDirectory=/no/folder\nEnvironmentFile=/no/file\n"
                           "EnvironmentFile=-/no/other\nExecReload=/no/reload\n"
                           "StandardOutput=append:/no/log/file\n")
    for line, key in ((2, "ExecStart=/no/such"), (3, "User="), (4, "Group="), (5, "WorkingDirectory="),
                      (6, "EnvironmentFile=/no/file"), (8, "ExecReload="), (9, "StandardOutput=")):
        assert f"web.pool:{line}:1: warning: {key}" in told, told
    assert "/no/other" not in told and told.endswith("1 pool, no errors\n")


def test_check_of_what_can_never_work(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    told = check(tmp_path / "etc", f"[Pool]\nExecStart={plain}\n", code=78)
    assert "web.pool:2:1: error: ExecStart=" in told and "chmod +x" in told
    assert "is a folder" in check(tmp_path / "etc", f"[Pool]\nExecStart={tmp_path}\n", code=78)
    told = check(tmp_path / "etc", f"[Pool]\nExecStart=/bin/true\nWorkingDirectory={plain}\n", code=78)
    assert "web.pool:3:1: error: WorkingDirectory=" in told and "is not a folder" in told


def test_check_names_the_drop_in(tmp_path):
    (tmp_path / "pools.d/web.pool.d").mkdir(parents=True)
    drop_in = tmp_path / "pools.d/web.pool.d/10-user.conf"
    drop_in.write_text("[Pool]\n\nUser=no-such-user\n")
    check(tmp_path, "[Pool]\nExecStart=/bin/true\nUser=root\n")
    assert f"{drop_in}:3:1: warning: User=no-such-user" in reevectl("check", tmp_path).stdout


# ---- doctor ----

def test_doctor_without_a_daemon(tmp_path):
    text = reevectl("-H", tmp_path / "none", "doctor", code=None).stdout
    assert f"{tmp_path}/none" in text and "about the machine alone" in text
    found = findings("-H", tmp_path / "none")
    assert found["daemon"][0]["level"] == "warn"
    assert {"kernel", "cgroup", "bpf", "memory", "clock", "limits"} <= set(found)


def test_doctor_of_a_well_daemon(reeve):
    daemon = reeve({"web": pool_of("pause")})
    daemon.wait_state("web")
    found = findings("-H", daemon.socket)
    assert found["daemon"][0]["level"] == "ok" and str(daemon.pid) in found["daemon"][0]["message"]
    assert found["version"][0]["level"] == "ok" and found["pools"][0]["level"] == "ok"
    warned = [item["message"] for item in daemon.api.get("/v1/").json["warnings"]]
    assert all(any(words in item["message"] for item in found["warning"]) for words in warned)


def pool_of(name, **keys):
    return harness.pool(harness.worker(name), **keys)


def test_doctor_finds_a_failed_pool(reeve):
    daemon = reeve({"bad": pool_of("crash", StartLimitBurst=1)})
    daemon.wait_state("bad", "failed")
    found = findings("-H", daemon.socket, code=1)
    assert found["pools"][0]["level"] == "fail" and "reevectl logs bad" in found["pools"][0]["advice"]


def test_doctor_reads_the_configuration(tmp_path):
    home = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    (tmp_path / "reeve/pools.d").mkdir(parents=True)
    (tmp_path / "reeve/pools.d/web.pool").write_text("[Pool]\nNonsense=1\n")
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:
        for folder in tmp_path.parents:
            if str(folder).startswith("/tmp/pytest-of"):
                folder.chmod(folder.stat().st_mode | 0o055)
        found = findings("-H", tmp_path / "none", code=1, env=home, user=NOBODY, group=NOBODY,
                         extra_groups=[])
    else:
        found = findings("-H", tmp_path / "none", code=1, env=home)
    assert found["config"][0]["level"] == "fail"
    assert f"reevectl check {tmp_path}/reeve" in found["config"][0]["advice"]


@pytest.mark.root
def test_doctor_of_who_may_not(reeve):
    """A socket that is there but closed to this user is told apart from none."""
    daemon = reeve({"web": pool_of("pause")})
    found = findings("-H", daemon.socket, code=1, user=NOBODY, group=NOBODY, extra_groups=[])
    assert found["daemon"][0]["level"] == "fail" and "OperateGroup=" in found["daemon"][0]["advice"]
