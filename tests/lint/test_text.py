"""Words that a finished tree does not hold, and scripts that at least parse."""

import py_compile
import re
import subprocess

import pytest
import tree

# Written in pieces, so that this file passes its own test.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
# Paths of a machine, and words about who worked here, mean nothing to a reader.
OF_THIS_PLACE = re.compile(r"(?<!\w)/wo" r"rk/|\bfound" r"ers?\b", re.IGNORECASE)


def lines_with(pattern):
    for path in tree.files():
        if not tree.is_text(path):
            continue
        text = (tree.ROOT / path).read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()}"


@pytest.mark.parametrize("pattern", [UNFINISHED, OF_THIS_PLACE], ids=["unfinished", "of-this-place"])
def test_words(pattern):
    wrong = list(lines_with(pattern))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", tree.python_files(), ids=str)
def test_python_compiles(path, tmp_path):
    py_compile.compile(str(tree.ROOT / path), cfile=str(tmp_path / "compiled"), doraise=True)


@pytest.mark.parametrize("path", tree.shell_scripts(), ids=str)
def test_shell_scripts(path):
    subprocess.run(["bash", "-n", path], cwd=tree.ROOT, check=True)
    done = subprocess.run(["shellcheck", path], cwd=tree.ROOT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout


def test_no_trailing_blanks():
    wrong = [line for line in lines_with(re.compile(r"[ \t]+$"))
             if line.split(":")[0].endswith((".c", ".h", ".py", ".md", ".toml", ".build"))]
    assert not wrong, "\n".join(wrong)
