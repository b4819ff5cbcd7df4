"""Where output goes: journal, null, files of others; errors apart from it; dressed lines."""

import json
import os
import re
import stat
import subprocess

import pytest
from reeve import pool

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d "


def shell(script, **keys):
    return pool(f"/bin/sh -c '{script}'", **keys)


def says(text="out", errors="err", **keys):
    """A worker that says one line to each and stays."""
    return shell(f'echo {text}; echo {errors} >&2; echo there; exec sleep 1000', **keys)


def wait_text(path, *words):
    """What is in a file once all of the words are."""
    following = subprocess.Popen(["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
    text, missing = "", set(words)
    try:
        while missing:
            text += following.stdout.readline()
            missing = {word for word in missing if word not in text}
    finally:
        following.terminate()
        following.communicate()
    return path.read_text()


def test_null(reeve):
    daemon = reeve({"w": says(StandardOutput="null", StandardError="log")})
    assert wait_text(daemon.log("w"), "err") == "err\n"


def test_errors_are_dropped(reeve):
    daemon = reeve({"w": says(StandardError="null")})
    assert wait_text(daemon.log("w"), "there") == "out\nthere\n"


def test_append(reeve, tmp_path):
    path, other = tmp_path / "out.txt", tmp_path / "err.txt"
    path.write_text("before\n")
    daemon = reeve({"w": says(StandardOutput=f"append:{path}", StandardError=f"append:{other}")})
    assert wait_text(path, "there") == "before\nout\nthere\n"
    assert wait_text(other, "err") == "err\n"
    assert stat.S_IMODE(other.stat().st_mode) == 0o640
    assert not daemon.log("w").exists()


def test_append_shared_keeps_the_order(reeve, tmp_path):
    path = tmp_path / "out.txt"
    daemon = reeve({"w": says(StandardOutput=f"append:{path}")})
    assert wait_text(path, "there") == "out\nerr\nthere\n"


def test_append_follows_no_link(reeve, tmp_path):
    (tmp_path / "target").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    daemon = reeve({"w": says(StandardOutput=f"append:{tmp_path / 'link'}", Restart="no")})
    daemon.wait_state("w", "failed")
    assert (tmp_path / "target").read_text() == ""


def test_journal_or_its_stand_in(reeve):
    """Whether or not a journal runs here, the worker runs and its pool tells where to look."""
    daemon = reeve({"w": says(StandardOutput="journal", Type="simple")})
    daemon.wait_state("w")
    assert daemon.workers("w")[0]["state"] == "ready"


def test_stamps(reeve):
    daemon = reeve({"w": says(log={"Timestamps": "yes"})})
    text = wait_text(daemon.log("w"), "there")
    assert re.fullmatch(f"{STAMP}out\n{STAMP}err\n{STAMP}there\n", text)


def fifo_worker(fifo, **keys):
    """Says half a line, and the rest of it once somebody opens the FIFO."""
    return shell(f'printf "one\\\\nha"; read x < {fifo}; echo lf; exec sleep 1000', **keys)


def test_style_changes_while_it_runs(reeve, tmp_path):
    os.mkfifo(tmp_path / "go")
    daemon = reeve({"w": fifo_worker(tmp_path / "go", log={"Timestamps": "utc"})})
    wait_text(daemon.log("w"), "one")
    pids = daemon.pids("w")
    daemon.write_pool("w", fifo_worker(tmp_path / "go", log={"Format": "json"}))
    assert daemon.api.post("/v1/reload", {}).status == 200
    (tmp_path / "go").write_text("x\n")
    last = wait_text(daemon.log("w"), "half").splitlines()[-1]
    assert json.loads(last)["line"] == "half" and json.loads(last)["pid"] in pids
    assert daemon.pids("w") == pids


def test_json(reeve):
    daemon = reeve({"w": says(log={"Format": "json", "Timestamps": "epoch"})})
    text = wait_text(daemon.log("w"), "there")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["line"] for line in lines] == ["out", "err", "there"]
    assert {line["stream"] for line in lines} == {"both"}
    assert {line["pid"] for line in lines} == set(daemon.pids("w"))
    assert isinstance(lines[0]["time"], float) and lines[0]["pool"] == "w"


@pytest.mark.parametrize("keys", [{}, {"StandardError": "null"}, {"StandardError": "journal"}])
def test_half_a_line_outlives_the_core(reeve, tmp_path, keys):
    """Its beginning waits in the pipe, which the next reeved finds again."""
    os.mkfifo(tmp_path / "go")
    daemon = reeve({"w": fifo_worker(tmp_path / "go", log={"Timestamps": "utc"}, **keys)})
    wait_text(daemon.log("w"), "one")
    pids = daemon.pids("w")
    daemon.crash()
    daemon.start()
    assert daemon.pids("w") == pids
    (tmp_path / "go").write_text("x\n")
    assert wait_text(daemon.log("w"), "half").count("\n") == 2
