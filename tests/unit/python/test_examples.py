"""What docs/examples/python and docs/python.md show works."""

import ast
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

from fake_reeve import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("REEVE_BUILD", "build")
EXAMPLE = ROOT / "docs/examples/python"
INSTALLED = "/usr/share/doc/reeve/examples"


def test_lines(fake):
    reeve = fake(threads=4)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        launch = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_FDS='1', "
                  "LISTEN_PID=str(os.getpid())); os.execv(sys.executable, [sys.executable, sys.argv[2]])")
        process = reeve.run([sys.executable, "-c", launch, str(listener.fileno()),
                             str(EXAMPLE / "lines.py")], pass_fds=[listener.fileno()])
        assert reeve.told()["READY"] == "1"
        connection = reeve.accept()
        connection.receive()
        with socket.create_connection(listener.getsockname(), PATIENCE) as client, \
                client.makefile("rwb") as stream:
            for text in (b"one\n", b"two\n"):
                stream.write(text)
                stream.flush()
                assert stream.readline() == text.upper()
            assert connection.ask("THREADS=16\n") == {"THREADS_OK": "16"}
            reeve.read.await_that(lambda read: read.totals()["threads_live"] == 16)
            assert [slot["label"] for slot in reeve.read.living() if slot["label"]] == ["line of 4 bytes"]
            assert reeve.read.totals()["work_units"] == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert reeve.read.totals()["done"] == 1


def test_pool_files(tmp_path):
    """As in the demo, paths are those of the installed example; the tree's are put in here."""
    shutil.copytree(EXAMPLE, tmp_path / "etc")
    for path in tmp_path.glob("etc/pools.d/*.pool"):
        path.write_text(path.read_text().replace(INSTALLED, str(EXAMPLE.parent)))
    done = subprocess.run([BUILD / "daemon/reeved", "--check", "--config", tmp_path / "etc"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_what_there_is():
    """Every reeve.NAME of docs/python.md exists, and every public name is in it; scripts parse."""
    import reeve
    import reeve.asyncio
    text = (ROOT / "docs/python.md").read_text()
    for name in set(re.findall(r"\breeve\.([a-z_]+|[A-Z]\w+)\b", text)) - {"gunicorn", "conf", "pool"}:
        assert hasattr(reeve, name), name
    missing = [name for name in reeve.__all__ if f"`reeve.{name}" not in text and name != "__version__"]
    assert not missing, missing
    for script in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        ast.parse(script)
