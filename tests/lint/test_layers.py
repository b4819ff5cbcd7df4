"""Includes go down only, and every foreign library has one home (layers.toml)."""

import collections
import re
import tomllib

import pytest
import tree

RULES = tomllib.loads((tree.ROOT / "tests/lint/layers.toml").read_text())
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path):
    """(is_quoted, name) of every include of one file."""
    text = (tree.ROOT / path).read_text()
    return [(mark == '"', name) for mark, name in INCLUDE.findall(text)]


def folder_of(path):
    """The folder of daemon/ that a file belongs to, or None."""
    return path.parts[1] if path.parts[0] == "daemon" and len(path.parts) > 2 else None


def allowed_for(path):
    folder = folder_of(path)
    if folder:
        return {folder, *RULES["folders"].get(folder, [])}
    for prefix, folders in RULES["programs"].items():
        if path.as_posix() == prefix or path.as_posix().startswith(prefix + "/"):
            return set(folders)
    return set()


def wrong_edges(path):
    allowed = allowed_for(path)
    for is_quoted, name in includes(path):
        target = name.split("/")[0]
        if is_quoted and "/" in name and target in RULES["folders"] and target not in allowed:
            yield f"{path} includes {name}: only {', '.join(sorted(allowed))} are below it"


def test_every_folder_is_ruled():
    folders = {folder_of(path) for path in tree.product_c_files()} - {None}
    assert folders <= set(RULES["folders"]), "a new folder needs a line in layers.toml"


def test_rules_go_down_only():
    seen = set()
    for folder, below in RULES["folders"].items():
        assert set(below) <= seen, f"{folder} may use a folder that is listed after it"
        seen.add(folder)


def test_includes_go_down():
    wrong = [line for path in tree.product_c_files() for line in wrong_edges(path)]
    assert not wrong, "\n".join(wrong)


def test_public_headers_stand_alone():
    for path in tree.c_files():
        if path.parts[0] == "include":
            quoted = [name for is_quoted, name in includes(path) if is_quoted]
            assert all(name.startswith("reeve/") for name in quoted), f"{path}: {quoted}"


def homes_of(name):
    """The rule for a header: the longest prefix that fits; None if nobody rules it."""
    fitting = [prefix for prefix in RULES["foreign"] if name.startswith(prefix)]
    return max(fitting, key=len) if fitting else None


def home_for(path, homes):
    for home in homes:
        if path.as_posix() == home or path.as_posix().startswith(home + "/"):
            return home
    return None


def foreign_users():
    """(path, header, rule) for every include of a ruled foreign header."""
    for path in tree.product_c_files():
        for is_quoted, name in includes(path):
            rule = None if is_quoted else homes_of(name)
            if rule:
                yield path, name, rule


def test_foreign_headers_have_one_home():
    wrong = [f"{path} includes {name}: it belongs to {', '.join(RULES['foreign'][rule])}"
             for path, name, rule in foreign_users() if not home_for(path, RULES["foreign"][rule])]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("rule", RULES["foreign_at_most"])
def test_foreign_headers_of_few_files(rule):
    users = collections.defaultdict(set)
    for path, _, found in foreign_users():
        users[home_for(path, RULES["foreign"][rule]) if found == rule else None].add(path)
    for home, limit in RULES["foreign_at_most"][rule].items():
        assert len(users[home]) <= limit, f"{rule}: {sorted(map(str, users[home]))}"
