"""Processes as the tests look at them: through pidfds and /proc, never by waiting a while."""

import contextlib
import os
import pathlib
import select
import time

import client


PF_EXITING = 0x4  # linux/sched.h: it never returns to its program
PATIENCE = 60.0


def is_alive(pid):
    """Alive: no zombie that only waits for its parent, and not on its last way through the kernel,
    where it has left its cgroup already and may have to wait for a processor."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = text.rpartition(")")[2].split()
    return fields[0] not in {"Z", "X"} and not int(fields[6]) & PF_EXITING


def wait_gone(pids, timeout=PATIENCE):
    """Until all have ended; TimeoutError names those that live."""
    deadline = time.monotonic() + timeout
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        ended = poll.poll(max(0, deadline - time.monotonic()) * 1000)
        os.close(fd)
        if not ended:
            raise TimeoutError(f"still alive: {[pid for pid in pids if is_alive(pid)]}")


def mentioning(text):
    """(pid, command line) of the processes that have the text in environment or command line."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in command + environment and is_alive(int(folder.name)):
            found.append((int(folder.name), command.replace(b"\0", b" ").decode(errors="replace")))
    return found


def status(pid):
    """The fields of /proc/PID/status."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def wait_asleep(pid):
    """Until it waits for something: a program that was just executed is still being loaded."""
    client.wait_seen(lambda: status(pid)["State"].startswith("S"))


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def names_of_children(pid):
    """Of those that are there, without one that leaves meanwhile."""
    names = []
    for child in children(pid):
        with contextlib.suppress(OSError):
            names.append(pathlib.Path(f"/proc/{child}/comm").read_text().strip())
    return names
