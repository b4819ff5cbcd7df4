"""The manual says what the programs do: nothing is left out, and nothing is made up."""

import json
import re
import shutil
import subprocess

import pytest
import tree

FOLDER = tree.ROOT / "docs/man"
PAGES = ["reevectl.1", "reeve.conf.5", "reeve.pool.5", "reeve-api.7", "reeve-worker.3", "reeved.8"]
FUTURE = "no effect in this version"


def source(name):
    return (FOLDER / name).read_text()


def output(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return done.stdout


def reevectl(*arguments):
    return output(tree.BUILD / "ctl/reevectl", *arguments)


def long_options(text):
    """Of a help text."""
    return set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", text, re.MULTILINE))


def described_options(text):
    """Of a page: those at the head of an item."""
    heads = re.findall(r"^\.It (Fl .*)$", text, re.MULTILINE)
    return {name for head in heads for name in re.findall(r"Fl Fl ([a-z-]+)", head)}


def mentioned_options(text):
    return set(re.findall(r"Fl Fl ([a-z-]+)", text))


def items(text, macro):
    """(head, body) of the items that begin with a macro."""
    parts = re.split(rf"^\.It {macro} (.*)$", text, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], (re.split(r"^\.(?:S[hs]|It) ", body, maxsplit=1, flags=re.MULTILINE)[0]
                                 for body in parts[1::2])))


# ---- as text ----

def test_pages():
    """Each page is there, is installed, and is known to the others."""
    assert sorted(path.name for path in FOLDER.glob("*.[1-9]")) == sorted(PAGES)
    for name in PAGES:
        assert f"'{name}'" in (FOLDER / "meson.build").read_text()
    known = {tuple(name.rsplit(".", 1)) for name in PAGES}
    for name in PAGES:
        for page, section in re.findall(r"^\.Xr (reeve\S*) (\d)", source(name), re.MULTILINE):
            assert (page, section) in known, f"{name} refers to {page}({section})"


@pytest.mark.parametrize("name", PAGES)
def test_page_renders_without_warnings(name):
    assert shutil.which("groff"), "groff is not installed: install the package groff-base"
    done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", FOLDER / name], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 1000


@pytest.mark.parametrize("name", PAGES)
def test_page_is_clean_for_mandoc(name):
    """But for its opinion on which sections there are and in what order."""
    assert shutil.which("mandoc"), "mandoc is not installed: install the package mandoc"
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", FOLDER / name], capture_output=True,
                          text=True, check=False)
    wrong = [line for line in done.stdout.splitlines()
             if "unexpected section" not in line and "conventional order" not in line]
    assert not wrong


@pytest.mark.parametrize("name", PAGES)
def test_page_has_examples_and_leads_on(name):
    assert ".Sh EXAMPLES" in source(name) and ".Sh SEE ALSO" in source(name)


@pytest.mark.parametrize("name", PAGES)
def test_lines_are_short(name):
    assert not [line for line in source(name).splitlines() if len(line) > 120]


# ---- programs ----

def test_options_of_reeved():
    """Those of --help, no others, and all of them in the synopsis."""
    page = source("reeved.8")
    synopsis = page.split(".Sh SYNOPSIS")[1].split(".Sh DESCRIPTION")[0]
    told = long_options(output(tree.BUILD / "daemon/reeved", "--help"))
    assert described_options(page) == told
    assert set(re.findall(r"Fl ([a-z-]{2,})", synopsis)) >= told


def verbs():
    return re.findall(r"^  ([a-z][a-z-]*)  ", reevectl("help"), re.MULTILINE)


def verb_parts():
    """What the page says of each verb."""
    text = source("reevectl.1").split(".Sh VERBS")[1].split(".Sh OPTIONS")[0]
    parts = {}
    for part in re.split(r"^(?=\.It Ic )", text, flags=re.MULTILINE)[1:]:
        verb = part.split()[2]
        parts[verb] = parts.get(verb, "") + part
    return parts


def test_verbs():
    assert set(verb_parts()) == set(verbs())


def test_options_of_verbs():
    """What only some verbs take is told where the verb is, and no verb is said to take another's."""
    common = {"help", "output", "no-headers", "columns", "watch", "host", "token-file", "all",
              "timeout", "no-wait"}
    for verb, part in verb_parts().items():
        text = reevectl("help", verb)
        short = dict(re.findall(r"^  -(\w), --([a-z-]+)", text, re.MULTILINE))
        told = mentioned_options(part) | {short[letter] for letter in re.findall(r"\bFl (\w)\b", part)
                                          if letter in short}
        assert long_options(text) - common <= told <= long_options(text), verb


def test_options_of_reevectl():
    told = set().union(*(long_options(reevectl("help", verb)) for verb in verbs()))
    assert described_options(source("reevectl.1")) == told | long_options(reevectl("help"))


@pytest.mark.parametrize("name", ["reevectl.1", "reeved.8"])
def test_exit_codes(name):
    header = (tree.ROOT / "include/reeve/api.h").read_text()
    codes = {int(code) for code in re.findall(r"REEVE_EXIT_\w+ = (\d+)", header)}
    told = {int(head) for head in re.findall(r"^\.It (\d+)$", source(name), re.MULTILINE)}
    assert told == (codes | {130} if name == "reevectl.1" else {0, 1, 2, 78})


def test_environment():
    """Whatever the programs ask the environment for, but for the tests' own switches."""
    asked = set()
    for path in tree.product_c_files():
        asked |= set(re.findall(r'getenv\("(\w+)"\)', (tree.ROOT / path).read_text()))
    told = " ".join(source(name) for name in PAGES)
    assert not [name for name in asked if not name.startswith("REEVE_TEST_") and name not in told]


# ---- configuration ----

def keys():
    """(section, key) to (default, may stand more than once, replaces workers)."""
    found = {}
    for line in output(tree.BUILD / "tests/lint/print-keys").splitlines():
        section, name, initial, many, whose = line.split("\t")
        found[section, name] = (initial, many == "list", whose == "worker")
    return found


def described_keys():
    """(section, key) to what the page says of it."""
    found = {}
    for page, default_section in (("reeve.conf.5", "Reeve"), ("reeve.pool.5", None)):
        section = default_section
        for part in re.split(r"^\.Sh ", source(page), flags=re.MULTILINE)[1:]:
            title = part.splitlines()[0]
            if title.startswith("["):
                section = title.strip("[]")
            elif title != "KEYS":
                continue
            for head, body in items(part, "Cm"):
                match = re.fullmatch(r"(\w+) Ns =", head)
                if match:
                    found[section, match.group(1)] = body
    return found


def test_keys():
    assert set(described_keys()) == set(keys())


def test_defaults():
    wrong = []
    for key, body in described_keys().items():
        told = re.search(r"^Default: (.*?)(?:[,;] .*)?\.?$", body, re.MULTILINE)
        is_mandatory = "every pool must have" in body
        if not is_mandatory and (not told or told.group(1) != (keys()[key][0] or "none")):
            wrong.append((key, told and told.group(1), keys()[key][0]))
    assert not wrong, wrong


def test_lists():
    wrong = [key for key, body in described_keys().items()
             if ("More lines add" in body) != keys()[key][1]]
    assert not wrong, wrong


def test_what_replaces_workers():
    """The limits say it once for all of them."""
    wrong = [key for key, body in described_keys().items()
             if ("Replaces workers." in body) != keys()[key][2] and not key[1].startswith("Limit")]
    assert not wrong, wrong


def test_what_this_version_leaves_undone():
    """Keys that raise the warning "has no effect" are told to have none, and no others."""
    text = (tree.ROOT / "daemon/engine/reload.c").read_text()
    calls = re.findall(r"warn_(?:later|controller)\(engine, config,(.*?)\);", text, re.DOTALL)
    told = " ".join(" ".join(re.findall(r'"([^"]*)"', call)) for call in calls)
    known = {name for _, name in keys()}
    warned = {name for name in re.findall(r"\b(\w+)\b", told) if name in known}
    described = {name for (section, name), body in described_keys().items()
                 if FUTURE in " ".join(body.split()) and section != "Reeve"}
    # A value of theirs has no effect, the key has one.
    values = {"StandardOutput"}
    assert described - values - {"Mode"} == warned - {"Mode"}


# ---- API ----

def openapi():
    return json.loads((tree.ROOT / "docs/api/openapi.json").read_text())


def api_items():
    return [head for head, _ in items(source("reeve-api.7"), "Li")]


def test_routes():
    methods = {"get", "post", "patch", "put", "delete"}
    routes = {f"{method.upper()} {path}" for path, content in openapi()["paths"].items()
              for method in content if method in methods}
    assert {head for head in api_items() if "/" in head} == routes


def test_error_codes():
    header = (tree.ROOT / "include/reeve/api.h").read_text()
    codes = dict(re.findall(r'REEVE_ERROR_\w+ +"([a-z-]+)" +/\* (\d+)', header))
    part = source("reeve-api.7").split(".Sh ERRORS")[1]
    told = {head: re.match(r"\s*(\d+)", body).group(1) for head, body in items(part, "Li")}
    assert told == codes


def test_event_types():
    part = source("reeve-api.7").split(".Sh EVENTS")[1].split(".Sh VALUES")[0]
    assert {head for head, _ in items(part, "Li")} \
        == set(openapi()["components"]["schemas"]["event"]["properties"]["type"]["enum"])


def test_signals():
    """Those that may be sent are listed in the page of reevectl."""
    signals = openapi()["components"]["schemas"]["signal_request"]["properties"]["signal"]["enum"]
    body = " ".join(verb_parts()["kill"].split())
    told = re.search(r"allowed are (.*?)\. ", body).group(1)
    assert {f"SIG{word}" for word in re.findall(r"[A-Z0-9]{2,}", told)} == set(signals)


# ---- the SDK for C ----

def public(header, pattern):
    return set(re.findall(pattern, (tree.ROOT / "include/reeve" / header).read_text(), re.MULTILINE))


def test_functions_of_the_sdk():
    """Each with its prototype and a word about it, and none that there is not."""
    page = source("reeve-worker.3")
    synopsis, rest = page.split(".Sh DESCRIPTION")
    functions = public("worker/api.h", r"^REEVE_CALL .*?\b(reeve_\w+)\(")
    assert set(re.findall(r"^\.Fn (reeve_\w+)", synopsis, re.MULTILINE)) == functions
    assert set(re.findall(r"Fn (reeve_\w+)", rest)) == functions


def test_fields_of_telemetry():
    page = source("reeve-worker.3").split(".Sh TELEMETRY")[1]
    fields = public("telemetry.h", r"^REEVE_AT\(ReeveTelemetry(?:Totals|Thread), (\w+),") - {"reserved"}
    assert {word for line in re.findall(r"Va (.*)$", page, re.MULTILINE)
            for word in re.findall(r"\w+", line)} == fields
