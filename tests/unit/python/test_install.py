"""pip and meson install the whole SDK, and neither needs a network."""

import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

SDK = pathlib.Path(__file__).resolve().parents[3] / "include/python"
FILES = sorted(path.name for path in SDK.glob("reeve/*") if path.suffix == ".py" or path.name == "py.typed")
# Whoever asks an index fails.
OFFLINE = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
           "PYTHONDONTWRITEBYTECODE": "1"}


def test_meson_installs_all_files():
    told = re.findall(r"'reeve/([\w.]+)'", (SDK / "meson.build").read_text())
    assert sorted(told) == FILES


def test_pip_installs(tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-cache-dir", "--no-compile",
                    "--target", tmp_path, SDK], env=OFFLINE, check=True)
    assert sorted(path.name for path in (tmp_path / "reeve").iterdir()) == FILES
    script = """
import sys
sys.path.insert(0, sys.argv[1])
import importlib.metadata, reeve
print(reeve.__file__, importlib.metadata.version("reeve"), reeve.ThreadPoolExecutor(2).submit(int, 1).result())
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], cwd=tmp_path, env=OFFLINE,
                          capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / "reeve/__init__.py"), "0.1.0", "1"]


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.syspath_prepend(str(SDK))
    import build_backend
    return build_backend


def test_editable_points_to_the_tree(backend, tmp_path):
    with zipfile.ZipFile(tmp_path / backend.build_editable(tmp_path)) as wheel:
        assert wheel.read("reeve-sdk.pth").decode() == f"{SDK}\n"


def test_source_archive(backend, tmp_path):
    """It holds what is needed to build from it."""
    with tarfile.open(tmp_path / backend.build_sdist(tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert names == {f"reeve/{name}" for name in FILES} | {"pyproject.toml", "build_backend.py", "PKG-INFO"}


def test_the_same_bytes_each_time(backend, tmp_path):
    made = []
    for _ in range(2):
        made.append((tmp_path / backend.build_wheel(tmp_path)).read_bytes())
    assert made[0] == made[1]
