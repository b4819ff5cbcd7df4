"""A real server, gunicorn, on a listening socket of reeve's; and the demo as a newcomer starts it."""

import http.client
import os
import re
import select
import signal
import subprocess
import threading

import processes
from client import wait_seen
from reeve import BUILD, DEMO, PYTHON, pool, word

GUNICORN = (f"/usr/bin/gunicorn --config {word(DEMO / 'gunicorn.conf.py')} --chdir {word(DEMO)} "
            "--threads ${REEVE_THREADS} web_app:application")
ANY_PORT = {"ListenStream": "127.0.0.1:0"}


def port_of(daemon):
    """Where the pool `web` listens: at a port that the kernel chose."""
    return int(daemon.wait_state("web")["listeners"][0].rpartition(":")[2])


def fetch(port, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Visitors:
    """Threads that fetch a page over and over; what went wrong is collected."""

    def __init__(self, port, count=4):
        self.port, self.failures, self.answers = port, [], 0
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.visit) for _ in range(count)]

    def visit(self):
        while not self.ending.is_set():
            try:
                status, text = fetch(self.port)
                if status != 200 or "pool web" not in text:
                    self.failures.append((status, text))
                self.answers += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()


def test_served_through_every_change_of_scale(reeve):
    text = pool(GUNICORN, Type="notify", scale={"Processes": 2, "Threads": 2, "ProcessesMax": 4,
                                                "ThreadControl": "replace"},
                listen=ANY_PORT)
    daemon = reeve({"web": text})
    port = port_of(daemon)
    assert fetch(port)[0] == 200
    with Visitors(port) as visitors:
        for body in ({"processes": 4}, {"processes": 1}, {"threads": 4}, {"processes": 3}):
            assert daemon.scale("web", body).json["state"] == "done"
        wait_seen(lambda: visitors.answers > 20)
    assert visitors.failures == []
    assert "slot" in fetch(port)[1]


def test_a_crash_is_not_seen_by_visitors(reeve):
    daemon = reeve({"web": pool(GUNICORN, Type="notify", RestartSec="10ms", scale={"Processes": 1},
                                listen=ANY_PORT)})
    port = port_of(daemon)
    with daemon.events() as events:
        os.kill(daemon.pids("web")[0], signal.SIGKILL)
        # The connection waits in the backlog of a socket that reeve holds open.
        assert fetch(port)[0] == 200
        events.wait("worker.ready", pool="web")


def read_until(stream, pattern, seconds=60):
    """What a process printed, as soon as the pattern stands in it."""
    text = ""
    while not re.search(pattern, text):
        assert select.select([stream], [], [], seconds)[0], f"nothing more came after:\n{text}"
        piece = os.read(stream.fileno(), 65536).decode()
        assert piece, f"it ended after:\n{text}"
        text += piece
    return text


def test_the_demo(tmp_path):
    """serve.py on a build folder of its own: links to the programs, everything else new."""
    for name in ("daemon", "ctl"):
        (tmp_path / name).symlink_to(BUILD / name)
    demo = subprocess.Popen([PYTHON, DEMO / "serve.py", tmp_path], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = read_until(demo.stdout, r"Ctrl-C stops everything")
        commands = re.findall(r"^  (\S.*)$", said, re.MULTILINE)
        assert len(commands) == 3
        reevectl = commands[0].rpartition(" ")[0]
        for name in ("cpu", "io", "web"):
            subprocess.run(f"{reevectl} wait {name} --for=ready", shell=True, check=True, timeout=60)
        for command in commands:
            done = subprocess.run(command, shell=True, check=True, timeout=60, capture_output=True)
            assert done.stdout, command
        port = int(re.search(r"pool web answers at http://127\.0\.0\.1:(\d+)", said)[1])
        assert "pool web" in fetch(port)[1]
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
        assert not processes.mentioning(str(tmp_path))
    finally:
        demo.kill()
        demo.wait()
