"""Debian's gunicorn with our worker class: threads change, and no request is lost.

What counts as lost is told in http_load."""

import os
import signal
import socket
import sys

import pytest
from fake_reeve import PATIENCE
from http_load import Client, load

APPLICATION = """
import json, os, time
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(0.02)
    elif path.startswith("/gate/"):
        with open(path[5:], "rb"):
            pass
    body = json.dumps({"pid": os.getpid(), "path": path}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
# The listening socket becomes descriptor 3, and the process gunicorn.
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *sys.argv[2:]])
"""


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=128) as sock:
        yield sock


@pytest.fixture
def serve(fake, listener, tmp_path):
    """serve(threads=4) - (fake reeved, gunicorn's process, its connection), ready to answer"""
    (tmp_path / "app.py").write_text(APPLICATION)

    def start(*arguments, threads=4, room=64):
        reeve = fake(threads=threads, room=room)
        process = reeve.run([sys.executable, "-c", LAUNCH, str(listener.fileno()), "--chdir",
                             str(tmp_path), "-k", "reeve.gunicorn.ThreadWorker", "--workers", "1",
                             "--threads", str(threads), "--log-level", "warning", *arguments,
                             "app:application"], pass_fds=[listener.fileno()])
        assert reeve.told() == {"READY": "1", "STATUS": "serving"}
        connection = reeve.accept()
        hello = connection.receive()
        assert hello["THREADS_OK"] == str(threads)
        assert hello["PID"] != str(process.pid)  # the process that serves, not the arbiter
        return reeve, process, connection

    return start


def end(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_threads_change_under_load(serve, listener):
    reeve, process, connection = serve(threads=4)
    with load(listener.getsockname(), 8, "/slow") as running:
        for wanted in (1, 16, 2, 32, 4, 1, 8) * 2:
            running.await_answers(20)
            assert connection.ask(f"THREADS={wanted}\n") == {"THREADS_OK": str(wanted)}
        running.await_answers(50)
        reeve.read.await_that(lambda read: read.totals()["threads_live"] == 8)
    assert running.lost == []
    assert len(running.pids) == 1 == len(running.pids & {reeve.read.attached_pid()})
    # A client has its answer a moment before the worker has counted it.
    reeve.read.await_that(lambda read: read.totals()["work_units"] == running.answers)
    assert reeve.read.totals()["queue_high_water"] > 0
    end(process)


def test_who_loses_threads_parts_with_as_many_of_its_connections(serve, listener):
    _, process, connection = serve(threads=4)
    clients = [Client(listener.getsockname()) for _ in range(8)]
    assert all(client.ask()[0] for client in clients)
    assert connection.ask("THREADS=1\n") == {"THREADS_OK": "1"}
    assert [client.ask()[0] for client in clients] == [False] * 6 + [True] * 2
    assert all(client.ask()[0] for client in clients)
    for client in clients:
        client.close()
    end(process)


@pytest.mark.parametrize("how", ["stop", "drain"])
def test_who_leaves_loses_no_request(serve, listener, how):
    """Two processes share the socket; one goes, and its clients go on with the other."""
    pair = [serve(threads=2), serve(threads=2)]
    for _ in range(3):
        _, process, connection = pair.pop(0)
        with load(listener.getsockname(), 8) as running:
            running.await_answers(200)
            if how == "drain":
                connection.send("SEQUENCE=1\nDRAIN=1\n")
                assert connection.receive() == {"SEQUENCE": "1"}
                running.await_answers(200)
            end(process)
            running.await_answers(200)
        assert running.lost == []
        pair.append(serve(threads=2))
    for _, process, _ in pair:
        end(process)


def test_busy_threads_and_labels_are_seen(serve, listener, tmp_path):
    reeve, process, _ = serve(threads=4)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    client = Client(listener.getsockname())
    idle = [socket.create_connection(listener.getsockname()) for _ in range(6)]
    client.send(f"/gate{gate}")
    reeve.read.await_that(lambda read: any(slot["label"] for slot in read.living()))
    busy = [slot for slot in reeve.read.living() if slot["state"] == "busy"]
    # Connections on which nothing comes take no threads.
    assert [slot["label"] for slot in busy] == [f"GET /gate{gate}"[:47]]
    with open(gate, "wb"):
        client.receive()
    for sock in idle:
        sock.close()
    client.close()
    end(process)


def test_a_request_in_progress_is_answered_at_the_end(serve, listener, tmp_path):
    reeve, process, _ = serve()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    busy, kept = Client(listener.getsockname()), Client(listener.getsockname())
    assert kept.ask("/")[0]
    busy.send(f"/gate{gate}")
    reeve.read.await_that(lambda read: any(slot["label"] for slot in read.living()))
    process.send_signal(signal.SIGTERM)
    # The next request on a kept connection is answered, and told to be the last.
    while kept.ask("/")[0]:
        pass
    with open(gate, "wb"):
        stays, _ = busy.receive()
    # It was told to stay before the end was known, so one more is answered.
    if stays:
        assert not busy.ask("/")[0]
    assert process.wait(PATIENCE) == 0


def test_requests_in_one_piece(serve, listener):
    """Two requests in one packet are answered both, and a body that nobody reads is passed over."""
    _, process, _ = serve()
    client = Client(listener.getsockname())
    client.connect()
    client.stream.write(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                        b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
    client.stream.flush()
    assert client.receive()[1]["path"] == "/unread"
    assert client.receive()[1]["path"] == "/second"
    client.close()
    end(process)


def test_more_connections_than_allowed_wait(serve, listener):
    _, process, _ = serve("--worker-connections", "4", threads=2)
    with load(listener.getsockname(), 2) as running:
        running.await_answers(20)
        idle = [socket.create_connection(listener.getsockname()) for _ in range(2)]
        running.await_answers(20)
        for sock in idle:
            sock.close()
        running.await_answers(20)
    assert running.lost == []
    end(process)


def test_a_kept_connection_ends_by_itself(serve, listener):
    _, process, _ = serve("--keep-alive", "1")
    client = Client(listener.getsockname())
    assert client.ask("/")[0]
    assert client.stream.read(1) == b""
    client.close()
    end(process)


def test_workers_that_recycle_themselves(serve, listener):
    """--max-requests: the next process takes telemetry and control over."""
    reeve, process, connection = serve("--max-requests", "50")
    first = reeve.read.attached_pid()
    with load(listener.getsockname(), 4) as running:
        running.await_answers(60)
        while connection.receive() is not None:
            pass
        assert reeve.accept().receive()["PID"] != str(first)
        running.await_answers(20)
    assert running.lost == []
    assert reeve.read.attached_pid() != first
    end(process)
