"""Each test that docs/comparison.md calls as a witness is there."""

import re

import pytest
import tree

TEXT = (tree.ROOT / "docs/comparison.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z_]+/[\w/]+\.(?:py|c))::(test_\w+)`", TEXT)))


@pytest.mark.parametrize("file,test", NAMED)
def test_it_exists(file, test):
    code = (tree.ROOT / "tests" / file).read_text()
    assert re.search(rf"^(?:def|static void) {test}\(", code, re.MULTILINE)


def test_every_complaint_has_an_answer_and_a_witness():
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", TEXT, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 26))
    for number, cells in rows:
        assert len(cells.split(" | ")) == 4 and "::test_" in cells, number
