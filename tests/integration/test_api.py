"""The HTTP API: its routes, its refusals, who may do what, and the stream of events."""

import datetime
import http.client
import json
import os
import re
import signal
import socket
import subprocess

import pytest
from reeve import PYTHON, pool, worker

PROBLEM = "application/problem+json"


@pytest.fixture
def daemon(reeve):
    daemon = reeve({"web": pool(worker("pause"), Description="Sleeps",
                                scale={"Processes": 2, "ProcessesMax": 4}),
                    "other": pool(worker("notify"), Type="notify")})
    daemon.wait_state("web")
    daemon.wait_state("other")
    return daemon


# ---- what there is ----

def test_the_daemon(daemon):
    shown = daemon.api.get("/v1/").json
    assert shown["pid"] == daemon.pid and shown["version"]
    assert shown["uptime_seconds"] >= 0 and isinstance(shown["warnings"], list)


def test_pools(daemon):
    items = daemon.api.get("/v1/pools").json["items"]
    assert [item["name"] for item in items if not item["name"].startswith("@")] == ["other", "web"]
    shown = daemon.api.get("/v1/pools/web")
    web = shown.json
    assert web["description"] == "Sleeps" and web["state"] == "running"
    assert {key: web["processes"][key] for key in ("ready", "wanted", "total")} == \
        {"ready": 2, "wanted": 2, "total": 2}
    assert web["scale"]["limits"]["processes"] == [0, 4]
    assert web["threads"]["live"] is None
    assert shown.headers["ETag"].strip('"') == str(web["generation"])


def test_workers(daemon):
    items = daemon.workers("web")
    assert [item["slot"] for item in items] == [0, 1]
    shown = daemon.api.get(f"/v1/workers/{items[0]['pid']}").json
    assert shown["pool"] == "web" and shown["state"] == "ready" and not shown["adopted"]
    assert shown["last_exit"] is None
    everybody = daemon.api.get("/v1/workers").json["items"]
    assert {item["pid"] for item in items} <= {item["pid"] for item in everybody}


def test_pages(daemon):
    seen, path = [], "/v1/pools?limit=1"
    while path:
        page = daemon.api.get(path)
        assert len(page.json["items"]) <= 1
        seen += [item["name"] for item in page.json["items"]]
        cursor = page.json["next"]
        assert (cursor is None) == ("Link" not in page.headers)
        path = f"/v1/pools?limit=1&cursor={cursor}" if cursor else None
    assert {"web", "other"} <= set(seen) and len(seen) == len(set(seen))


def test_probes(daemon):
    assert daemon.api.get("/livez").status == 200
    assert daemon.api.get("/readyz").status == 200


def test_signal(daemon):
    pid = daemon.pids("web")[0]
    with daemon.events() as events:
        daemon.api.post(f"/v1/workers/{pid}/signal", {"signal": "SIGUSR1"})
        exited = events.wait("worker.exited", pid=pid)
    assert exited["pool"] == "web"
    assert daemon.api.post(f"/v1/workers/{pid}/signal", {"signal": "SIGUSR1"}).status == 404
    other = daemon.pids("other")[0]
    assert daemon.api.post(f"/v1/workers/{other}/signal", {"signal": "SIGSEGV"}).status == 422


def test_stop_and_start(daemon):
    accepted = daemon.api.post("/v1/pools/web/stop", status=202).json
    assert accepted["operation"]
    daemon.wait_state("web", "stopped")
    daemon.api.post("/v1/pools/web/start", status=202)
    assert daemon.wait_state("web")["processes"]["ready"] == 2


# ---- what is refused ----

@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/v1/pools/nothing", 404, "unknown-pool"),
    ("GET", "/v1/workers/1", 404, "unknown-worker"),
    ("GET", "/v1/operations/999999", 404, "unknown-operation"),
    ("GET", "/v1/nothing", 404, "not-found"),
    ("GET", "/nothing", 404, "not-found"),
    ("DELETE", "/v1/pools/web", 405, "method-not-allowed"),
    ("POST", "/v1/pools/nothing/stop", 404, "unknown-pool"),
    ("GET", "/v1/pools?limit=x", 400, None), ("GET", "/v1/pools?limit=0", 400, None),
    ("GET", "/v1/pools/%2e%2e/scale", 404, None), ("GET", "/v1/pools/a%00b", 400, None),
    ("GET", "/v1/pools/web%2fscale", 404, None),
])
def test_refusals_are_problems(daemon, method, path, status, code):
    answer = daemon.api.request(method, path)
    assert answer.content_type == PROBLEM
    assert answer.json["status"] == answer.status
    assert answer.status == status or code is None and answer.status in (400, 404, 422)
    assert code is None or answer.code == code
    if status == 405:
        assert "GET" in answer.headers["Allow"]


def raw(daemon, *lines, body=b""):
    """Bytes as they are; (status, headers and body as text)."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(daemon.socket))
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(status[1]) if status else 0, answer.decode(errors="replace")


def post(path, *headers, length):
    return (f"POST {path} HTTP/1.1", "Connection: close", f"Content-Length: {length}", *headers)


JSON = "Content-Type: application/json"


@pytest.mark.parametrize("lines, statuses", [
    (("GET /v1/ HTTP/1.1", "Connection: close"), {400, 421}),
    (("GET /v1/ HTTP/1.1", "Host: evil.example", "Connection: close"), {421, 403}),
    (("GET /v1/ HTTP/1.1", "Host: localhost", "Host: evil.example", "Connection: close"), {400}),
    (("GET http://evil.example/v1/ HTTP/1.1", "Host: localhost", "Connection: close"), {400, 421}),
    (post("/v1/pools/web/stop", "Host: localhost", "Content-Type: text/plain", length=2), {415}),
    (post("/v1/pools/web/stop", "Host: localhost", JSON, "Sec-Fetch-Site: cross-site", length=2), {403}),
    (post("/v1/pools/web/stop", "Host: localhost", JSON, "Origin: http://evil.example", length=2), {403}),
    (post("/v1/pools/web/stop", "Host: localhost", JSON, "Content-Length: 3", length=2), {400}),
    (post("/v1/pools/web/stop", "Host: localhost", JSON, length=70000), {413}),
])
def test_t36_t37_t38_raw_requests(daemon, lines, statuses):
    status, answer = raw(daemon, *lines, body=b"{}")
    assert status in statuses, answer
    assert daemon.pool("web")["state"] == "running"


def test_hosts_that_are_us(daemon):
    for host in ("localhost", "localhost:7733", "127.0.0.1", "[::1]:80", "LOCALHOST"):
        status, answer = raw(daemon, "GET /livez HTTP/1.1", f"Host: {host}", "Connection: close")
        assert status == 200, (host, answer)


def test_what_browsers_are_told(daemon):
    headers = daemon.api.get("/v1/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert "no-store" in headers["Cache-Control"]


# ---- who may do what ----

AS_OTHER = """
import http.client, json, socket, sys
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])
try:
    connection = Connection("localhost", timeout=60)
    connection.request(sys.argv[2], sys.argv[3], "{}", {"Content-Type": "application/json"})
    print(connection.getresponse().status)
except PermissionError:
    print("EACCES")
"""


@pytest.mark.root
def test_t40_other_users_may_not(daemon):
    def ask(method, path):
        return subprocess.run([PYTHON, "-c", AS_OTHER, daemon.socket, method, path], user=65534,
                              group=65534, extra_groups=[], capture_output=True, text=True,
                              check=True).stdout.strip()
    assert ask("POST", "/v1/pools/web/stop") in {"EACCES", "403", "401"}
    assert ask("GET", "/v1/pools") in {"EACCES", "403", "401"}
    assert daemon.pool("web")["state"] == "running"


@pytest.fixture
def over_tcp(reeve):
    """A daemon that listens on a port of its own choice, and how to ask it."""
    daemon = reeve({"web": pool(worker("pause"))}, conf={"ListenHTTP": "127.0.0.1:0"})
    daemon.wait_state("web")
    port = int(re.search(r"127\.0\.0\.1:(\d+)", daemon.stderr())[1])

    def ask(method, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(method, path, "{}" if method == "POST" else None,
                           {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer
    return daemon, ask


def test_t41_a_token_is_needed_over_tcp(over_tcp):
    daemon, ask = over_tcp
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        refused = ask("GET", "/v1/pools", **headers)
        assert refused.status == 401 and "Bearer" in refused.headers["WWW-Authenticate"]
    token_file = daemon.runtime / "api.token"
    assert token_file.stat().st_mode & 0o077 == 0
    authorization = {"Authorization": f"Bearer {token_file.read_text().split()[-1]}"}
    assert ask("GET", "/v1/pools", **authorization).status == 200
    assert ask("GET", "/livez").status == 200
    assert ask("POST", "/v1/pools/web/stop", **authorization).status in (200, 202)
    daemon.wait_state("web", "stopped")


def test_t41_no_admin_over_tcp(over_tcp):
    daemon, ask = over_tcp
    token = (daemon.runtime / "api.token").read_text().split()[-1]
    refused = ask("POST", "/v1/reload", Authorization=f"Bearer {token}")
    assert refused.status == 403 and json.loads(refused.body)["code"] == "forbidden"


# ---- events ----

def test_events_replay(daemon):
    with daemon.events(since=0) as events:
        first = [events.next() for _ in range(4)]
    ids = [int(event["id"].rpartition("-")[2]) for event in first]
    assert ids == list(range(ids[0], ids[0] + 4))
    with daemon.events(headers={"Last-Event-ID": first[1]["id"]}) as events:
        assert events.next()["data"] == first[2]["data"]
    page = daemon.api.get("/v1/events?since=0&limit=3").json
    assert [event["type"] for event in page["items"]] == \
        [json.loads(event["data"])["type"] for event in first[:3]]


def test_t46_an_id_of_another_daemon_resets(daemon):
    with daemon.events(headers={"Last-Event-ID": "0123456789abcdef-1"}) as events:
        assert events.next()["event"] == "reset"


def test_events_tell_who_asked(daemon):
    with daemon.events() as events:
        daemon.api.patch("/v1/pools/web/scale", {"processes": 3}, status=202)
        scaled = events.wait("pool.scaled", pool="web")
    assert str(os.getuid()) in scaled["actor"]
    assert scaled["id"] and scaled["time"] and isinstance(scaled["detail"], dict)


# ---- the document ----

def test_the_document_is_sound(daemon):
    document = daemon.api.document()
    assert document.document["openapi"].startswith("3.1")
    for schema in document.document["components"]["schemas"].values():
        document.validator(schema).check_schema(schema)
    routes = {(method, path) for method, path, _ in document.operations()}
    for method, path in [("GET", "/v1/"), ("GET", "/v1/pools"), ("PATCH", "/v1/pools/{pool}/scale"),
                         ("GET", "/v1/events"), ("POST", "/v1/workers/{pid}/signal")]:
        assert (method, path) in routes


def test_every_documented_get_is_served(daemon):
    values = {"pool": "web", "pid": str(daemon.pids("web")[0]), "id": "1", "metric": "cpu"}
    for method, template, _ in daemon.api.document().operations():
        path = re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], "1"), template)
        if method == "GET" and "text/event-stream" not in json.dumps(
                daemon.api.document().document["paths"][template]["get"]):
            assert daemon.api.request("GET", path).status < 500, path


# ---- the core and its face ----

def moment(event):
    return datetime.datetime.fromisoformat(event["time"])



def api_pid(daemon):
    """reeve-api: the child of reeved with that name."""
    found = subprocess.run(["pgrep", "-P", str(daemon.pid), "-x", "reeve-api"],
                           capture_output=True, text=True, check=True).stdout.split()
    assert len(found) == 1
    return int(found[0])


def test_t45_the_face_is_back_in_a_second(daemon):
    before, face = daemon.pids("web"), api_pid(daemon)
    last = daemon.api.get("/v1/events?since=0&limit=5000").json["items"][-1]["id"]
    os.kill(face, signal.SIGKILL)
    # The listener is reeved's: the request waits in its backlog for the new face.
    assert daemon.pids("web") == before and api_pid(daemon) != face
    with daemon.events(since=last) as events:
        gone = events.wait("worker.exited", pool="@api", pid=face)
        started = events.wait("worker.started", pool="@api")
    # How long it takes from there is the machine's business, which may have other tests to run.
    assert moment(started) - moment(gone) < datetime.timedelta(seconds=1)


@pytest.mark.root
def test_the_face_is_nobody_special(daemon):
    status = open(f"/proc/{api_pid(daemon)}/status", encoding="ascii").read()
    assert re.search(r"^Uid:\t(?!0\b)", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
