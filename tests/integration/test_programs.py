"""docs/programs.md: its commands, run one after the other by a shell, print what the page shows."""

import fnmatch
import os
import re
import shutil
import socket
import subprocess

import pytest
import reeve as harness

PAGE = harness.ROOT / "docs/programs.md"
PATIENCE_SECONDS = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sessions():
    return re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def steps():
    """(command, lines that it prints): "$ " begins a command, "> " goes on with it."""
    found = []
    for session in sessions():
        for line in session.splitlines():
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif line[:2] in {"> ", ">"} and not found[-1][1]:
                found[-1][0].append(line[2:])
            else:
                found[-1][1].append(line)
    return [("\n".join(command), output) for command, output in found]


def normal(line):
    """Columns are as wide as what is in them, and numbers of processes are the machine's."""
    line = re.sub(r"\b(kept|started|stopped)((?: \d+)+)", lambda told: f"{told[1]} {len(told[2].split())} PIDs", line)
    return re.sub(r"\s+", " ", line).strip()


@pytest.fixture
def shell(tmp_path):
    """One shell for the whole page; ends with all that it started."""
    environment = dict(os.environ, TRY=str(tmp_path / "try"), PORT=str(free_port()), HOME=str(tmp_path),
                       LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1", XDG_RUNTIME_DIR=str(tmp_path))
    environment.pop("REEVE_SOCKET", None)
    process = subprocess.Popen(["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, cwd=harness.ROOT, env=environment)
    yield process
    try:
        process.communicate("kill $(jobs -p) 2>/dev/null; wait\n", timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def run(shell, command):
    """What a command prints, without what the shell says of jobs."""
    shell.stdin.write(f"{command}\necho '---end---'\n")
    shell.stdin.flush()
    lines = []
    for line in shell.stdout:
        if line.rstrip("\n") == "---end---":
            return [line for line in lines if not re.match(r"\[\d+\]", line)]
        lines.append(line.rstrip("\n"))
    raise AssertionError(f"the shell ended in: {command}\n{lines}")


def test_the_page_tells_the_truth(shell, tmp_path):
    assert shutil.which("cc"), "there is no C compiler: install gcc"
    found = steps()
    assert len(found) > 15
    for command, expected in found:
        # The page was written with the folder that ./dev build makes.
        told = run(shell, command.replace("$PWD/build/", f"{harness.BUILD}/"))
        if command.endswith("&") or command.startswith(("kill", "reevectl check")):
            assert expected == [] or expected[-1] in told[-1], (command, told)
            continue
        shown = [normal(line) for line in told]
        assert len(shown) == len(expected), (command, told, harness_log(tmp_path))
        for line, wanted in zip(shown, expected):
            assert fnmatch.fnmatchcase(line, normal(wanted)), (command, told, harness_log(tmp_path))


def harness_log(tmp_path):
    path = tmp_path / "try/reeved.log"
    return path.read_text() if path.exists() else ""
