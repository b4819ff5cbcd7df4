"""Completion in the shells themselves: every verb and option, names of what runs, files."""

import os
import re
import shutil
import subprocess

import pytest
import reeve as harness

FILES = {"bash": "reevectl.bash", "zsh": "_reevectl", "fish": "reevectl.fish"}
# Each is given the words of a command line, the last being completed, and prints what is offered.
SCRIPTS = {
    "bash": """source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _reevectl
               (( ${#COMPREPLY[@]} == 0 )) || printf '%s\\n' "${COMPREPLY[@]}" """,
    # What the completion system would be told.
    "zsh": """compadd() { [[ $1 == -a ]] && print -rl -- ${(P)2} || print -rl -- "$@" }
              _describe() { print -rl -- ${${(P)2}%%:*} }
              _files() { print -rl -- ${words[CURRENT]}*(N) }
              _directories() { print -rl -- ${words[CURRENT]}*(N/) }
              _signals() { print -rl -- SIG${^signals} }
              words=("$@"); CURRENT=$#; source "$0" """,
    "fish": """source $argv[1]; complete -C (string join ' ' -- (string escape -- $argv[2..-2]) $argv[-1]) |
               string replace -r '\\t.*' '' """,
}
OPTIONS = {"bash": ["--norc", "--noprofile", "-c"], "zsh": ["-f", "-c"], "fish": ["--no-config", "-c"]}


def output(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False, **options)
    assert done.stderr == "", done.stderr
    return done.stdout


@pytest.fixture(params=FILES)
def complete(request, tmp_path):
    """complete(words...) - what the shell offers for the last of them"""
    shell = request.param
    assert shutil.which(shell), f"{shell} is not installed; ./dev test installs it"
    environment = {**os.environ, "PATH": f"{harness.BUILD}/ctl:/usr/bin:/bin", "HOME": str(tmp_path),
                   "XDG_RUNTIME_DIR": str(tmp_path), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    file = harness.ROOT / "units/completions" / FILES[shell]

    def offered(*words, **more):
        return set(output(shell, *OPTIONS[shell], SCRIPTS[shell], file, "reevectl", *words,
                          env={**environment, **more}, cwd=tmp_path).split())

    return offered


def reevectl(*arguments):
    return output(harness.BUILD / "ctl/reevectl", *arguments)


def verbs():
    return re.findall(r"^  ([a-z][a-z-]*)  ", reevectl("help"), re.MULTILINE)


def test_verbs(complete):
    assert complete("") == set(verbs())
    assert complete("help", "") == set(verbs())
    assert complete("re") >= {verb for verb in verbs() if verb.startswith("re")}
    assert complete("-o", "json", "") == set(verbs())


def test_options_of_every_verb(complete):
    for verb in verbs():
        told = set(re.findall(r"^  .*?(--[a-z-]+)", reevectl("help", verb), re.MULTILINE))
        assert {word.split("=")[0] for word in complete(verb, "--")} >= told, verb


@pytest.mark.parametrize("before, values", [
    ("--mode", {"threads", "processes", "auto", "manual"}), ("-o", {"table", "wide", "json", "name"}),
    ("--for", {"ready", "running", "stopped"}),
    ("--format", {"supervisord", "systemd", "pm2", "procfile"})])
def test_values(complete, before, values):
    verb = {"--mode": "scale", "-o": "pools", "--for": "wait", "--format": "import"}[before]
    assert complete(verb, before, "") >= values


def test_names_of_what_runs(complete, reeve):
    daemon = reeve({"web": harness.pool(harness.worker("pause"), scale={"Processes": 2}),
                    "other": harness.pool(harness.worker("pause"))})
    daemon.wait_ready_pids("web", 2)
    daemon.wait_ready_pids("other", 1)
    live = {"REEVE_SOCKET": str(daemon.socket)}
    assert complete("scale", "", **live) == {"web", "other"}
    workers = set(daemon.ctl("ps", "-o", "name").stdout.split())
    assert len(workers) == 3 and complete("show", "", **live) == {"web", "other"} | workers
    assert complete("init", "", **live) & {"web", "other"} == set()


def test_without_a_daemon(complete):
    assert complete("scale", "") == set()


def test_files_and_folders(complete, tmp_path):
    (tmp_path / "Procfile").write_text("")
    (tmp_path / "etc").mkdir()
    assert {"Procfile"} <= {word.rstrip("/") for word in complete("import", "")}
    assert {word.rstrip("/") for word in complete("check", "")} == {"etc"}
