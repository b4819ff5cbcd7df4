"""Count the tests of all runs and say so in one line.

usage: junit_summary.py FOLDER

FOLDER/phases holds one line a run, "NAME EXIT-STATUS", and FOLDER/NAME.xml its tests as JUnit
XML. A run that failed without a failed test in its file (the build broke, the runner crashed, the
file was never written) counts as one failure: silence is no success. A run without a file that
went well is one passed test.

Meson's JUnit knows the tests that a program has told of, and nothing of a program that hung or
crashed before it told more; FOLDER/NAME.json, Meson's other log, does.

The last line is 'N passed, N failed, N skipped'. Exit status 1 on a failure or if nothing ran."""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome_of(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def count_file(path, counts):
    """Adds the tests of one file to counts; returns the names of those that failed."""
    failed = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        outcome = outcome_of(case)
        counts[outcome] += 1
        if outcome == "failed":
            failed.append(" ".join(filter(None, (case.get("classname"), case.get("name")))))
    return failed


def silent_programs(path, failed):
    """Programs that Meson saw fail, of which no test has failed: they hung or crashed."""
    good = {"OK", "EXPECTEDFAIL", "SKIP"}
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [f"{row['name']} {row['result'].lower()} after {row['duration']:.0f} s" for row in rows
            if row["result"] not in good and not any(row["name"] in line for line in failed)]


def count_phase(folder, name, status, counts):
    """Adds one run; returns what failed in it, as lines for people."""
    path = folder / f"{name}.xml"
    failed = []
    if path.exists():
        try:
            failed = count_file(path, counts)
        except ElementTree.ParseError as error:
            counts["failed"] += 1
            failed = [f"its results cannot be read: {error}"]
        silent = silent_programs(folder / f"{name}.json", failed)
        counts["failed"] += len(silent)
        failed += silent
    elif status == 0:
        counts["passed"] += 1
    if status != 0 and not failed:
        counts["failed"] += 1
        failed = [f"ended with status {status} beside its tests"]
    return [f"FAILED {name}: {line}" for line in failed]


def summarize(folder):
    """Returns (lines, exit status)."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    lines = []
    for line in (folder / "phases").read_text().splitlines():
        name, status = line.split()
        lines += count_phase(folder, name, int(status), counts)
    lines.append("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return lines, 1 if counts["failed"] or not counts["passed"] else 0


def main():
    lines, status = summarize(pathlib.Path(sys.argv[1]))
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
