"""Run the demo from a checkout: `./dev run` calls this after it has built.

usage: serve.py BUILD

Everything it writes stands in BUILD/demo: a copy of the configuration, with free ports and with the
path of this checkout, the state, and the logs. Ends when reeved does; SIGINT and SIGTERM are passed on
to it once each, so that Ctrl-C stops everything in order, and a second Ctrl-C at once."""

import contextlib
import fcntl
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

DEMO = pathlib.Path(__file__).resolve().parent
INSTALLED = "/usr/share/doc/reeve/examples/demo"
# A unix socket's path has 108 bytes, and the runtime folder's sockets have names of their own.
RUNTIME_LENGTH_MAX = 60


def can_bind(address, port):
    with socket.socket() as attempt:
        # As reeved does: an old connection in TIME_WAIT does not take a port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address, port))
        except OSError:
            return False
    return True


def free_port(wanted, taken):
    if wanted not in taken and can_bind("127.0.0.1", wanted):
        return wanted
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return attempt.getsockname()[1]


def adapt(text, taken):
    """Free ports for those that are taken, and this folder for the installed one."""
    def replace(match):
        port = free_port(int(match[2]), taken)
        taken.add(port)
        return f"{match[1]}{port}"
    text = re.sub(r"^(Listen\w+=127\.0\.0\.1:)(\d+)", replace, text, flags=re.MULTILINE)
    return re.sub(rf"{INSTALLED}(\S*)", lambda match: shlex.quote(f"{DEMO}{match[1]}"), text)


def copy_configuration(target):
    shutil.rmtree(target, ignore_errors=True)
    (target / "pools.d").mkdir(parents=True)
    taken = set()
    for path in [DEMO / "reeve.conf", *sorted(DEMO.glob("pools.d/*.pool"))]:
        (target / path.relative_to(DEMO)).write_text(adapt(path.read_text(), taken))


def listen_address(path, key):
    return re.search(rf"^{key}=(.*)$", path.read_text(), re.MULTILINE)[1]


def hold_lock(folder):
    """One demo at a time in one checkout: a second would rewrite the first one's configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / "lock", "a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"serve.py: the demo runs already, from {folder}; stop it there with Ctrl-C")
    return lock


@contextlib.contextmanager
def runtime_folder(demo):
    """Near the rest, or in /tmp where that is too deep for a socket's path."""
    folder = demo / "run"
    if len(str(folder)) <= RUNTIME_LENGTH_MAX:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="reeve-demo-", dir="/tmp") as folder:
        yield pathlib.Path(folder)


def start(build, demo, runtime, notify):
    """In a process group of its own, so that Ctrl-C reaches it once, by us; and not without us."""
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "--", build / "daemon/reeved", "--config", demo / "etc",
         "--state", demo / "state", "--runtime", runtime, "--log-dir", demo / "log"],
        env={**os.environ, "NOTIFY_SOCKET": notify}, process_group=0, stdin=subprocess.DEVNULL)


def wait_ready(listener, daemon):
    """True once READY=1 came; False if the daemon ended instead."""
    ended = os.pidfd_open(daemon.pid)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(ended, select.POLLIN)
    try:
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if listener.fileno() in ready and b"READY=1" in listener.recv(4096).splitlines():
                return True
            if ended in ready:
                return False
    finally:
        os.close(ended)


def wait_for_pools(build, demo, runtime):
    """So that what is said last is what to do next; if one does not come up, `status` tells why."""
    names = [path.stem for path in (demo / "etc/pools.d").glob("*.pool")]
    subprocess.run([build / "ctl/reevectl", "-H", runtime / "api.sock", "wait", *names,
                    "--for=ready", "--timeout", "20s"], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def greeting(build, demo, runtime):
    reevectl = f"{shlex.quote(str(build / 'ctl/reevectl'))} -H {shlex.quote(str(runtime / 'api.sock'))}"
    api = listen_address(demo / "etc/reeve.conf", "ListenHTTP")
    web = listen_address(demo / "etc/pools.d/web.pool", "ListenStream")
    return f"""
reeve runs at http://{api}/ and on {runtime / 'api.sock'}; pool web answers at http://{web}/
Try, in another terminal:

  {reevectl} status
  {reevectl} scale cpu -p 3
  curl --unix-socket {shlex.quote(str(runtime / 'api.sock'))} http://localhost/v1/pools/web

Ctrl-C stops everything.
"""


def serve(build, demo, runtime):
    with tempfile.TemporaryDirectory(prefix="reeve-demo-", dir="/tmp") as folder, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"{folder}/notify")
        daemon = start(build, demo, runtime, f"{folder}/notify")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _: daemon.send_signal(received))
        if wait_ready(listener, daemon):
            wait_for_pools(build, demo, runtime)
            print(greeting(build, demo, runtime), flush=True)
        return daemon.wait()


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    demo = build / "demo"
    with hold_lock(demo), runtime_folder(demo) as runtime:
        copy_configuration(demo / "etc")
        status = serve(build, demo, runtime)
    # As a shell has it: a signal's number above 128.
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
