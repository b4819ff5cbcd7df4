#!/usr/bin/python3
"""The first process in User-Mode Linux (see uml.py): does what the other side says, a line each

Speaks as the agent of machine.py; the first answer, before any command, says which controllers of
cgroups the kernel has."""

import json
import os
import subprocess
import tty

MOUNTS = [("proc", "proc", "/proc", ""), ("sysfs", "sys", "/sys", ""),
          ("tmpfs", "run", "/run", "mode=755"), ("cgroup2", "cgroup2", "/sys/fs/cgroup", "")]


def mount():
    """The kernel itself has put devtmpfs on /dev."""
    for kind, source, place, options in MOUNTS:
        subprocess.run(["/bin/mount", "-n", "-t", kind, *(["-o", options] if options else []), source, place],
                       check=True)


def terminal():
    """The first console is the pipe to the other side; bytes pass as they are."""
    console = os.open("/dev/tty1", os.O_RDWR)
    tty.setraw(console)
    return os.fdopen(os.dup(console), "r"), os.fdopen(console, "w")


def answer_all():
    requests, answers = terminal()
    os.environ.update(PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                      HOME="/run", LANG="C.UTF-8", TMPDIR="/run")
    with open("/sys/fs/cgroup/cgroup.controllers", encoding="ascii") as controllers:
        print(json.dumps([0, controllers.read()]), file=answers, flush=True)
    for line in requests:
        done = subprocess.run(json.loads(line), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        print(json.dumps([done.returncode, done.stdout]), file=answers, flush=True)


def main():
    """The first process buries those whose parents are gone."""
    mount()
    agent = os.fork()
    if agent == 0:
        answer_all()
        os._exit(0)
    while os.wait()[0] != agent:
        pass


if __name__ == "__main__":
    main()
