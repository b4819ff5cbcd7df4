"""reevectl import: what other supervisors ran becomes pools that reeved takes and runs."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
import reeve
from client import wait_seen

FIXTURES = reeve.ROOT / "tests/fixtures/import"
FILES = sorted(path for path in FIXTURES.rglob("*") if path.is_file() and path.suffix != ".js"
               and path.name != ".env")


def reevectl(*arguments, code=0, cwd=None):
    done = subprocess.run([reeve.BUILD / "ctl/reevectl", *map(str, arguments)], check=False, cwd=cwd,
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_fixtures_of_all_formats_are_there():
    assert {path.name.split("@")[0] for path in FILES} \
        >= {"Procfile", "supervisord.conf", "ecosystem.json", "resize", "plain.service"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_comes_out_passes_the_check(path, tmp_path):
    pools = tmp_path / "pools.d"
    code = 0 if path.name == "plain.service" else 8
    report = reevectl("import", "--into", pools, path, code=code).stdout
    names = sorted(file.stem for file in pools.glob("*.pool"))
    assert names and all(f"wrote {pools}/{name}.pool" in report for name in names)
    reevectl("check", tmp_path)
    for line in report.splitlines():
        if ": changed: " in line or ": dropped: " in line:
            place = re.match(rf"{re.escape(str(path))}:(\d+): ", line)
            assert place and int(place[1]) <= path.read_text().count("\n") + 1


def test_all_together_have_names_of_their_own(tmp_path):
    shutil.copytree(FIXTURES, tmp_path / "in")
    extra = tmp_path / "in/other"
    extra.mkdir()
    (extra / "Procfile").write_text("web: sleep 1\n")
    reevectl("import", "--into", tmp_path / "etc/pools.d", extra / "Procfile", *FILES, code=8)
    assert (tmp_path / "etc/pools.d/web-2.pool").exists()
    reevectl("check", tmp_path / "etc")


def test_printing_and_json():
    printed = reevectl("import", FIXTURES / "units/plain.service")
    assert printed.stdout.startswith("# ---- plain.pool ----\n# Made by reevectl import from [Service]")
    assert printed.stderr == "1 pool: plain\n"
    told = json.loads(reevectl("import", "-o", "json", FIXTURES / "demo/Procfile", code=8).stdout)
    assert [pool["name"] for pool in told["pools"]] == ["web", "worker", "clock"]
    assert {remark["kind"] for remark in told["remarks"]} == {"note", "dropped"}
    checked = reevectl("import", "--check", FIXTURES / "demo/Procfile", code=8).stdout
    assert "ExecStart" not in checked and "3 pools: web, worker, clock; 0 changed, 1 without" in checked


def test_nothing_is_written_over(tmp_path):
    file = FIXTURES / "demo/Procfile"
    mine = tmp_path / "clock.pool"
    mine.write_text("mine")
    complaint = reevectl("import", "--into", tmp_path, file, code=1).stderr
    assert f"{mine} is there already" in complaint and "--force" in complaint
    assert mine.read_text() == "mine" and list(tmp_path.iterdir()) == [mine]
    reevectl("import", "--into", tmp_path, "--force", file, code=8)
    assert "tee clock.log" in mine.read_text()


@pytest.mark.parametrize("name, text, words", [
    ("ecosystem.config.js", "module.exports = {}", "node -p"),
    ("notes.txt", "hello\nworld\n", "--format"),
    ("s.conf", "[program:a]\nuser=x\n", None),
    ("e.json", "{", "no JSON"),
    ("zero.json", "{\0}", "zero bytes"),
])
def test_what_cannot_be_imported(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    done = reevectl("import", path, code=1)
    assert (words or "0 pools") in done.stderr
    assert "cannot read" in reevectl("import", tmp_path / "none", code=1).stderr


def test_environment_of_pm2():
    path = FIXTURES / "shop/ecosystem.json"
    assert "NODE_ENV=production" not in reevectl("import", path, code=8).stdout
    text = reevectl("import", "--env", "production", path, code=8).stdout
    assert text.index("NODE_ENV=development") < text.index("NODE_ENV=production")


def run_imported(daemon, path, code):
    reevectl("import", "--into", daemon.etc / "pools.d", path, code=code)
    for file in pathlib.Path(daemon.etc / "pools.d").glob("*.pool"):
        daemon.write_pool(file.stem, file.read_text())
    return daemon.start()


def test_a_procfile_runs(reeve, tmp_path):
    """Split, through a shell, with .env and PORT, in the folder of the file."""
    (tmp_path / "Procfile").write_text(
        "plain: sh -c 'pwd; exec sleep 1000'\nport: echo $PORT $WHO && exec sleep 1000\n")
    (tmp_path / ".env").write_text("WHO='a b'\n")
    daemon = run_imported(reeve(start=False), tmp_path / "Procfile", 0)
    for name in ("plain", "port"):
        daemon.wait_state(name)
    daemon.wait_log("plain", str(tmp_path))
    daemon.wait_log("port", "5100 a b")
    command = pathlib.Path(f"/proc/{daemon.pids('port')[0]}/cmdline")
    wait_seen(lambda: command.read_bytes() == b"sleep\0001000\0")  # after the echo


def test_a_supervisord_file_runs(reeve, tmp_path):
    """numprocs, %(process_num)d, environment, and the group in the name."""
    (tmp_path / "supervisord.conf").write_text("""
[program:work]
command=sh -c "echo number $0 $GREETING; exec sleep 1000" %(process_num)d
numprocs=3
process_name=%(program_name)s_%(process_num)d
environment=GREETING="good 'day'"
priority=1
[program:late]
command=sh -c "echo late; exec sleep 1000"
[group:all]
programs=work
priority=2
""")
    daemon = run_imported(reeve(start=False), tmp_path / "supervisord.conf", 0)
    daemon.wait_ready_pids("all.work", 3)
    daemon.wait_state("late")
    with daemon.events(path="/v1/pools/all.work/logs?follow=true&lines=1000") as stream:
        wanted = {f"number {slot} good 'day'" for slot in range(3)}
        while wanted:
            data = stream.next()["data"]
            wanted -= {words for words in wanted if words in data}
    daemon.wait_log("late", "late")
