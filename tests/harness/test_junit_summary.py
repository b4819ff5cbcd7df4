"""The closing line of ./dev test must not be able to hide a failure."""

import json

import junit_summary

PASSING = '<testsuites><testsuite><testcase name="a"/><testcase name="b"/></testsuite></testsuites>'
MIXED = """<testsuites><testsuite>
<testcase classname="life" name="bad"><failure/></testcase><testcase name="broken"><error/></testcase>
<testcase name="left out"><skipped/></testcase><testcase name="good"/>
</testsuite></testsuites>"""


def results(folder, phases, **files):
    (folder / "phases").write_text("".join(f"{line}\n" for line in phases))
    for name, text in files.items():
        (folder / f"{name}.xml").write_text(text)
    return junit_summary.summarize(folder)


def test_all_pass(tmp_path):
    lines, status = results(tmp_path, ["unit 0", "lint 0"], unit=PASSING, lint=PASSING)
    assert (lines, status) == (["4 passed, 0 failed, 0 skipped"], 0)


def test_failures_are_named(tmp_path):
    lines, status = results(tmp_path, ["unit 1"], unit=MIXED)
    assert lines == ["FAILED unit: life bad", "FAILED unit: broken", "1 passed, 2 failed, 1 skipped"]
    assert status == 1


def test_run_that_failed_beside_its_tests(tmp_path):
    lines, status = results(tmp_path, ["unit 0", "lint 2"], unit=PASSING, lint=PASSING)
    assert lines[-1] == "4 passed, 1 failed, 0 skipped" and status == 1


def test_run_that_broke_before_its_tests(tmp_path):
    lines, status = results(tmp_path, ["unit 0", "clang 1"], unit=PASSING)
    assert lines[-1] == "2 passed, 1 failed, 0 skipped" and status == 1


def test_results_cut_off(tmp_path):
    lines, status = results(tmp_path, ["unit 0"], unit=PASSING[:40])
    assert lines[-1] == "0 passed, 1 failed, 0 skipped" and status == 1


def test_nothing_ran(tmp_path):
    lines, status = results(tmp_path, ["unit 0"], unit="<testsuites/>")
    assert lines == ["0 passed, 0 failed, 0 skipped"] and status == 1


def test_run_without_a_file(tmp_path):
    assert results(tmp_path, ["fuzz 0"]) == (["1 passed, 0 failed, 0 skipped"], 0)


def test_program_that_hung_after_a_good_test(tmp_path):
    """Meson's JUnit tells nothing of it, as it was seen to do."""
    rows = [{"name": "logs/full", "result": "OK", "duration": 1.0},
            {"name": "logs/survival", "result": "TIMEOUT", "duration": 120.1}]
    (tmp_path / "unit.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines, status = results(tmp_path, ["unit 1"], unit=PASSING)
    assert lines == ["FAILED unit: logs/survival timeout after 120 s", "2 passed, 1 failed, 0 skipped"]
    assert status == 1


def test_program_whose_test_failed_is_counted_once(tmp_path):
    (tmp_path / "unit.json").write_text(
        json.dumps({"name": "life", "result": "FAIL", "duration": 1.0}) + "\n")
    assert results(tmp_path, ["unit 1"], unit=MIXED)[0][-1] == "1 passed, 2 failed, 1 skipped"
