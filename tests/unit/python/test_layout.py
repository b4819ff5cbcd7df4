"""The SDK's tables against telemetry.h, as the compiler sees it; and other things told twice."""

import pathlib
import re
import shutil
import subprocess

import pytest
import reeve
from reeve import _telemetry

ROOT = pathlib.Path(__file__).resolve().parents[3]
HEADER = ROOT / "include/reeve/telemetry.h"
TABLES = {"ReeveTelemetryHeader": _telemetry.HEADER, "ReeveTelemetryTotals": _telemetry.TOTALS,
          "ReeveTelemetryThread": _telemetry.THREAD}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Whatever is asked of telemetry.h, from a program that includes it."""
    names = [f"offsetof({struct}, {field})" for struct, table in TABLES.items() for field in table]
    names += [f"sizeof({struct})" for struct in TABLES]
    names += ["sizeof(ReeveTelemetryHistogram)", "REEVE_TELEMETRY_VERSION", "reeve_telemetry_bytes(3)"]
    names += re.findall(r"\b(REEVE_(?:THREAD|HISTOGRAM|TELEMETRY)_[A-Z_]+) = \d", HEADER.read_text())
    folder = tmp_path_factory.mktemp("layout")
    lines = "".join(f'printf("%s\\t%lld\\n", "{name}", (long long)({name}));\n' for name in names)
    (folder / "print.c").write_text(
        f'#include <stdio.h>\n#include "reeve/telemetry.h"\nint main(void) {{\n{lines}return 0;\n}}\n')
    subprocess.run(["gcc", "-std=gnu17", "-I", ROOT / "include", "-o", folder / "print",
                    folder / "print.c"], check=True)
    done = subprocess.run([folder / "print"], capture_output=True, text=True, check=True)
    return {name: int(value) for name, value in (line.split("\t") for line in done.stdout.splitlines())}


@pytest.mark.parametrize("struct", TABLES)
def test_offsets(compiled, struct):
    told = {field: compiled[f"offsetof({struct}, {field})"] for field in TABLES[struct]}
    assert told == TABLES[struct]


@pytest.mark.parametrize("struct", TABLES)
def test_no_field_is_forgotten(struct):
    text = HEADER.read_text()
    asserted = re.findall(rf"^REEVE_AT\({struct}, (\w+), \d+\);", text, re.MULTILINE)
    assert [field for field in asserted if not field.startswith("reserved")] == list(TABLES[struct])


def test_sizes(compiled):
    assert compiled["sizeof(ReeveTelemetryHeader)"] == _telemetry.HEADER_BYTES
    assert compiled["sizeof(ReeveTelemetryTotals)"] == _telemetry.TOTALS_BYTES
    assert compiled["sizeof(ReeveTelemetryHistogram)"] == _telemetry.HISTOGRAM_BYTES
    assert compiled["sizeof(ReeveTelemetryThread)"] == _telemetry.THREAD_BYTES
    assert compiled["REEVE_TELEMETRY_LABEL_BYTES"] == _telemetry.LABEL_BYTES
    assert compiled["REEVE_TELEMETRY_VERSION"] == _telemetry.VERSION


def test_states_and_kinds(compiled):
    for state in ("FREE", "IDLE", "BUSY", "LOCK", "IO", "EXITING"):
        assert compiled[f"REEVE_THREAD_{state}"] == getattr(_telemetry, state)
    assert _telemetry.KINDS == {"pool": compiled["REEVE_THREAD_POOL"],
                                "other": compiled["REEVE_THREAD_OTHER"],
                                "loop": compiled["REEVE_THREAD_LOOP"]}
    assert compiled["REEVE_HISTOGRAM_SERVICE"] == _telemetry.SERVICE
    assert compiled["REEVE_HISTOGRAM_QUEUE_WAIT"] == _telemetry.QUEUE_WAIT


def test_the_fake_reeve_agrees(compiled):
    import fake_reeve
    assert fake_reeve.memory_bytes(3) == compiled["reeve_telemetry_bytes(3)"]


def test_version():
    told = re.search(r"^ +version: '([^']+)'", (ROOT / "meson.build").read_text(), re.MULTILINE)
    assert reeve.__version__ == told[1]


def test_types():
    """mypy has nothing to say."""
    mypy = shutil.which("mypy")
    assert mypy, "mypy is not installed"
    done = subprocess.run([mypy, "--strict", "--no-incremental", "--cache-dir=/dev/null",
                           "--config-file", ROOT / "include/python/pyproject.toml",
                           ROOT / "include/python/reeve"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text, stored", [
    ("", b""), ("GET /x", b"GET /x"), ("x" * 47, b"x" * 47), ("x" * 60, b"x" * 47),
    ("x" * 46 + "\u00e4", b"x" * 46), ("\u20ac" * 16, "\u20ac".encode() * 15),
    ("a\0b", b"a b"), ("\ud800", b"?"),
])
def test_labels_are_cut_between_characters(text, stored):
    assert _telemetry.cut(text) == stored.ljust(48, b"\0")
