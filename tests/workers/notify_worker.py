"""A cooperative worker: says READY=1 with its status, reloads at SIGHUP, stops at SIGTERM.

usage: notify_worker.py [FILE]

With FILE it writes there what it was given: environment, identity, limits, descriptors, as one line
of JSON for each start."""

import json
import os
import resource
import signal
import socket
import sys

LIMITS = {name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}


def notify(text):
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.sendto(text.encode(), "\0" + path[1:] if path.startswith("@") else path)


def status_fields():
    with open("/proc/self/status", encoding="ascii") as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)


def umask():
    old = os.umask(0)
    os.umask(old)
    return old


def oom_score_adjust():
    with open("/proc/self/oom_score_adj", encoding="ascii") as stream:
        return int(stream.read())


def descriptors():
    """Number to target of all that is open, but for the listing itself."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            pass
    return found


def what_i_was_given():
    return {
        "pid": os.getpid(), "argv": sys.argv, "environment": dict(os.environ), "cwd": os.getcwd(),
        "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "umask": umask(),
        "nice": os.nice(0), "affinity": sorted(os.sched_getaffinity(0)),
        "oom_score_adjust": oom_score_adjust(), "session": os.getsid(0),
        "no_new_privs": status_fields()["NoNewPrivs"], "blocked": status_fields()["SigBlk"],
        "ignored": status_fields()["SigIgn"], "descriptors": descriptors(),
        "limits": {name: resource.getrlimit(number) for name, number in LIMITS.items()},
    }


def write_report(path):
    line = json.dumps(what_i_was_given()) + "\n"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    os.write(fd, line.encode())
    os.close(fd)


def main():
    wanted = {signal.SIGTERM, signal.SIGHUP}
    if len(sys.argv) > 1:
        write_report(sys.argv[1])
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    notify("READY=1\nSTATUS=at work")
    while signal.sigwait(wanted) == signal.SIGHUP:
        notify("RELOADING=1")
        notify("READY=1\nSTATUS=reloaded")
    notify("STOPPING=1")


if __name__ == "__main__":
    main()
