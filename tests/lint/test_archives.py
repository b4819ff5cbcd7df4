"""What the static libraries and programs import, as the linker sees it.

That an include is missing proves little: a declaration can come from anywhere. What a pure
archive really calls stands in its symbol table."""

import re
import subprocess
import tomllib

import pytest
import tree

RULES = tomllib.loads((tree.ROOT / "tests/lint/layers.toml").read_text())

# Calls that reach out of memory. Formatting into memory, string and number functions, malloc
# and inih's ini_parse_string() are fine; so is open_memstream(), which is memory.
IMPURE = re.compile(r"""^(?:__)?(?:
    clock_\w+ | time | gettimeofday | nanosleep | u?sleep | timer_\w+ | alarm | setitimer
  | open(?:at)?(?:64)?(?:_2)? | creat(?:64)? | fd?open(?:64)?(?:at|dir)? | fopen64 | freopen(?:64)? | opendir
  | readdir(?:64)? | scandir\w* | p?readv?(?:64)?(?:_chk)? | p?writev?(?:64)? | close | dup[23]?
  | l?f?x?stat(?:x|at|fs)?(?:64)? | access | faccessat | unlink(?:at)? | rename(?:at2?)? | mkdir(?:at)? | rmdir
  | mk[od]?stemp\w* | readlink(?:at)?(?:_chk)? | realpath(?:_chk)? | getcwd | chdir | fcntl(?:64)? | ioctl | flock
  | mmap(?:64)? | munmap | memfd_create | pipe2? | splice | tee | f?truncate(?:64)? | f?sync | f?ch(?:mod|own)(?:at)?
  | socket(?:pair)? | bind | connect | listen | accept4? | (?:send|recv)(?:to|from|m?msg)?(?:_chk)? | getsockopt
  | setsockopt | getaddrinfo | gethost\w+ | epoll_\w+ | poll | ppoll | p?select | eventfd | signalfd | timerfd_\w+
  | v?fork | clone3? | exec[vl]\w* | posix_spawn\w* | kill | killpg | tgkill | wait(?:pid|id|[34])? | getp?pid | gettid
  | prctl | setrlimit\w* | prlimit\w* | get[e]?[ug]id | set\w*[ug]ids? | signal | sigaction | sigprocmask | raise
  | _?exit | syscall | getenv | secure_getenv | setenv | putenv | getpw\w+ | getgr\w+
  | getrandom | getentropy | s?rand(?:om)?(?:_r)? | arc4random\w* | pthread_create | dlopen
  | v?printf(?:_chk)? | puts | putchar | perror | v?syslog(?:_chk)? | stdin | stdout | stderr
  | sd_\w+ | ini_parse(?:_file)? | environ
)$""", re.VERBOSE)


def symbols(paths, *options):
    out = subprocess.run(["nm", "--format=posix", *options, *paths],
                         check=True, capture_output=True, text=True).stdout
    return {line.split()[0].split("@")[0] for line in out.splitlines()
            if line and not line.endswith(":")}


def archives(folder):
    """The static libraries of one folder; more than one where a part of it is embedded data."""
    found = sorted((tree.BUILD / "daemon" / folder).glob("libreeve-*.a"))
    assert found, f"daemon/{folder}: a static library is expected"
    return found


def undefined_in(folder):
    return symbols(archives(folder), "-u")


def defined_in(folder):
    return symbols(archives(folder), "--defined-only", "-g")


def built_folders():
    return [folder for folder in RULES["folders"]
            if (tree.ROOT / "daemon" / folder / "meson.build").exists()]


@pytest.mark.parametrize("folder", [f for f in built_folders() if f in RULES["pure"]["folders"]])
def test_pure_folders_reach_out_to_nothing(folder):
    imported = {name for name in undefined_in(folder) if IMPURE.match(name)}
    assert not imported, f"daemon/{folder} is pure and may not call {sorted(imported)}"


@pytest.mark.parametrize("folder", built_folders())
def test_libraries_need_only_what_is_below(folder):
    """A symbol that some other folder defines must be defined in a folder below.

    Meson links with --start-group, which hides upward calls, so the linker cannot tell."""
    needed = undefined_in(folder) - defined_in(folder)
    for other in built_folders():
        if other == folder or other in RULES["folders"][folder]:
            continue
        above = needed & defined_in(other)
        assert not above, f"daemon/{folder} calls {sorted(above)} of {other}"


@pytest.mark.parametrize("name, is_impure", [
    ("clock_gettime", True), ("openat", True), ("__read_chk", True), ("sendmsg", True),
    ("stderr", True), ("sd_event_add_io", True), ("ini_parse_file", True), ("fork", True),
    ("snprintf", False), ("strtoul", False), ("ini_parse_string", False), ("calloc", False),
    ("open_memstream", False), ("timer_create", True), ("timers_disarm", False), ("memcpy", False), ("bsearch", False),
])
def test_the_rule_itself(name, is_impure):
    assert bool(IMPURE.match(name)) == is_impure


def needed_libraries(program):
    out = subprocess.run(["readelf", "-d", tree.BUILD / program],
                         check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def test_core_links_neither_http_nor_json():
    needed = needed_libraries("daemon/reeved")
    assert needed, "daemon/reeved has no dynamic section"
    foreign = [name for name in needed if re.match(r"lib(microhttpd|jansson|curl)\b", name)]
    assert not foreign, f"daemon/reeved needs {foreign}"
