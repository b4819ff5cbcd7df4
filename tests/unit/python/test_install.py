"""pip and meson install the whole SDK, and neither needs a network."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

SDK = pathlib.Path(__file__).resolve().parents[3] / "include/python"
FILES = sorted(path.name for path in SDK.glob("reeve/*") if path.suffix == ".py" or path.name == "py.typed")
# Whoever asks an index fails.
OFFLINE = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
           "PYTHONDONTWRITEBYTECODE": "1"}


def test_meson_installs_all_files():
    told = re.findall(r"'reeve/([\w.]+)'", (SDK / "meson.build").read_text())
    assert sorted(told) == FILES


@pytest.mark.parametrize("options", [[], ["--editable"]], ids=["copied", "editable"])
def test_pip_installs(tmp_path, options):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-cache-dir", *options, SDK],
                   env=OFFLINE, check=True)
    script = "import reeve; print(reeve.__file__); reeve.ThreadPoolExecutor(2).submit(int, 1).result()"
    done = subprocess.run([python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    folder = pathlib.Path(done.stdout.strip()).parent
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == FILES
    assert (folder == SDK / "reeve") == bool(options)
    shown = subprocess.run([python, "-m", "pip", "show", "reeve"], env=OFFLINE, capture_output=True,
                           text=True, check=True).stdout
    assert "Version: 0.1.0" in shown
