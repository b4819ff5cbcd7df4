"""./dev as a newcomer meets it; the rest of it is tried by every run of the tests."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = ["run", "test", "build", "lint", "fmt", "deb", "bench", "fuzz", "clean", "help"]


def dev(*arguments, **environment):
    return subprocess.run([ROOT / "dev", *arguments], cwd="/", capture_output=True, text=True, check=False,
                          timeout=60, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)


def test_help_names_every_command():
    done = dev("help")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")] == COMMANDS


@pytest.mark.parametrize("arguments", [["nonsense"], ["test", "--nonsense"], ["test", "-k"],
                                       ["fuzz", "soon"], ["fuzz", "0"]])
def test_wrong_usage(arguments):
    done = dev(*arguments)
    assert done.returncode == 1 and done.stderr.startswith(("dev: ", "usage: "))
