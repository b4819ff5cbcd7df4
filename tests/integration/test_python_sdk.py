"""The SDK for Python under a real reeved: gunicorn with its worker class loses no request, on
connections that are kept either."""

import pytest
import reeve as harness
from http_load import load
from reeve import pool, word

APPLICATION = """
import json, os, time
def application(environ, start_response):
    time.sleep(0.02)  # clients that wait leave the processors to those who start
    body = json.dumps({"pid": os.getpid()}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
SHAPES = ({"threads": 4}, {"processes": 3}, {"processes": 1, "threads": 2})


@pytest.mark.parametrize("control", ["live", "replace"])
def test_kept_connections_lose_nothing_in_any_change_of_shape(reeve, tmp_path, control):
    (tmp_path / "app.py").write_text(APPLICATION)
    command = ("/usr/bin/gunicorn --workers 1 --threads ${REEVE_THREADS} --log-level warning "
               f"-k reeve.gunicorn.ThreadWorker --chdir {word(tmp_path)} app:application")
    scale = {"Processes": 2, "Threads": 2, "ProcessesMax": 8, "ThreadsMax": 16, "ThreadControl": control}
    daemon = reeve({"site": pool(command, Type="notify", scale=scale,
                                 listen={"ListenStream": "127.0.0.1:0"},
                                 Environment=f'"PYTHONPATH={harness.ROOT / "include/python"}"')})
    host, _, port = daemon.wait_state("site")["listeners"][0].rpartition(":")
    with load((host, int(port)), 4) as running:
        for body in SHAPES:
            running.await_answers(20)
            assert daemon.scale("site", body).json["state"] == "done"
        running.await_answers(20)
    assert running.lost == []
