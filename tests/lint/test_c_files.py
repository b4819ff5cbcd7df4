"""C files: layout, size, and headers that compile alone."""

import concurrent.futures
import os
import subprocess

import tree

LINES_MAX = 800


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def complaint_of(*command):
    """What a command that should be content has to say, empty if it is."""
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    return done.stderr + done.stdout if done.returncode else ""


def test_layout():
    files = tree.c_files()
    complaints = in_parallel(
        lambda path: complaint_of("clang-format", "--dry-run", "-Werror", path), files)
    wrong = [path.as_posix() for path, complaint in zip(files, complaints) if complaint]
    assert not wrong, "run ./dev fmt: " + " ".join(wrong)


def test_headers_compile_alone():
    def compile_alone(path):
        return complaint_of("gcc", "-fsyntax-only", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Werror",
                            "-Idaemon", "-Iinclude", "-I.", "-include",
                            path, "-x", "c", "/dev/null")
    headers = [path for path in tree.product_c_files() if path.suffix == ".h"]
    assert headers
    wrong = in_parallel(compile_alone, headers)
    assert not any(wrong), "".join(wrong)


def test_headers_are_read_once():
    wrong = [path for path in tree.product_c_files() if path.suffix == ".h"
             and "#pragma once" not in (tree.ROOT / path).read_text()]
    assert not wrong


def test_files_say_what_they_are():
    wrong = [path for path in tree.product_c_files() if not tree.first_line(path).startswith("/*")]
    assert not wrong, f"a file opens with its idea in prose: {wrong}"


def test_files_are_not_too_long():
    """Past this, two ideas share one name."""
    long = {path.as_posix(): lines for path in tree.files() if path.suffix in tree.CODE_SUFFIXES
            for lines in [(tree.ROOT / path).read_bytes().count(b"\n")] if lines > LINES_MAX}
    assert not long
