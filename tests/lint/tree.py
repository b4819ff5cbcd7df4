"""The files of the tree, as the lint tests see them: what lies in the folder, built things aside.

Not what git knows: a tarball must pass too, and so must a file that is not added yet."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("REEVE_BUILD", "build")

C_SUFFIXES = {".c", ".h"}
CODE_SUFFIXES = C_SUFFIXES | {".py", ".js", ".css", ".html", ".sh"}


def is_passed_over(name):
    return name.startswith("build") or name in {".git", "__pycache__", ".pytest_cache"}


def files():
    """Every file of the tree, as a path relative to ROOT."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(name for name in subfolders if not is_passed_over(name))
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            if path.is_file() and not name.endswith(".pyc"):
                yield path.relative_to(ROOT)


def c_files():
    return [path for path in files() if path.suffix in C_SUFFIXES]


def product_c_files():
    return [path for path in c_files() if path.parts[0] in {"daemon", "ctl", "include"}]


def first_line(path):
    with open(ROOT / path, "rb") as stream:
        return stream.readline(200).decode("utf-8", "replace")


def shell_scripts():
    return [path for path in files()
            if path.suffix == ".sh" or first_line(path).rstrip().endswith(("bash", "/bin/sh"))]


def python_files():
    return [path for path in files()
            if path.suffix == ".py" or "python" in first_line(path) and first_line(path)[:2] == "#!"]


def is_text(path):
    with open(ROOT / path, "rb") as stream:
        return b"\0" not in stream.read(8192)
