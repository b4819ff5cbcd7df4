"""HTTP as the tests speak it to reeve: over the unix socket, every answer checked."""

import dataclasses
import http.client
import json
import socket
import time

import openapi

# Guards against hanging alone: a machine that is busy with other tests is slow, and passes.
TIMEOUT = 60.0
# Between two looks at what no event tells, so that those who look leave the processors to others.
LOOK_SECONDS = 0.01


class UnixConnection(http.client.HTTPConnection):
    """http.client over a unix socket."""

    def __init__(self, path, timeout=TIMEOUT):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@dataclasses.dataclass
class Response:
    """One answer; json is None where the body is not JSON."""
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    json: object = None

    @property
    def content_type(self):
        value = self.headers.get("Content-Type")
        return value.split(";")[0].strip() if value else None

    @property
    def code(self):
        """The stable code of a problem."""
        return self.json["code"]


class Api:
    """The routes of one daemon; path is what the request line has."""

    documents = {}  # by build folder: all daemons of one build serve the same

    def __init__(self, connect, key):
        self.connect, self.key = connect, key

    def send(self, method, path, body=None, headers=None):
        """One request on a connection of its own, without a look at the document."""
        connection = self.connect()
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if body is not None or method in {"POST", "PATCH", "PUT"}:
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            raw = connection.getresponse()
            response = Response(raw.status, raw.headers, raw.read())
        finally:
            connection.close()
        if response.content_type and response.content_type.endswith("json") and response.body:
            response.json = json.loads(response.body)
        return response

    def document(self):
        if self.key not in self.documents:
            self.documents[self.key] = openapi.Document(self.send("GET", "/openapi.json").json)
        return self.documents[self.key]

    def request(self, method, path, body=None, headers=None, status=None):
        """One request whose answer fits the document and, if given, has that status."""
        response = self.send(method, path, body, headers)
        if method != "HEAD":
            self.document().check(method, path.split("?")[0], response.status,
                                  response.content_type, response.json)
        if status is not None:
            assert response.status == status, f"{method} {path}: {response.status} {response.body!r}"
        return response

    def get(self, path, status=200, headers=None):
        return self.request("GET", path, headers=headers, status=status)

    def post(self, path, body=None, status=None, headers=None):
        return self.request("POST", path, {} if body is None else body, headers, status)

    def patch(self, path, body, status=None, headers=None):
        return self.request("PATCH", path, body, headers, status)


class Events:
    """A stream of server-sent events, read until a deadline."""

    def __init__(self, connection, path, headers=None):
        self.connection = connection
        connection.request("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        self.response = connection.getresponse()
        self.seen = []
        assert self.response.status == 200, self.response.read()
        assert self.response.headers.get_content_type() == "text/event-stream"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self.connection.close()

    def line(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no further event came in time")
        self.connection.sock.settimeout(left)
        line = self.response.readline()
        if not line:
            raise EOFError("the stream ended")
        return line.decode().rstrip("\r\n")

    def next(self, timeout=TIMEOUT):
        """The next event: {"event", "id", "data"}; comments (heartbeats) are passed over."""
        deadline = time.monotonic() + timeout
        fields = {}
        while True:
            line = self.line(deadline)
            if line.startswith(":"):
                continue
            if not line:
                if "data" in fields or "event" in fields:
                    self.seen.append(fields)
                    return fields
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value

    def event(self, timeout=TIMEOUT):
        """The next event of the daemon, parsed."""
        return json.loads(self.next(timeout)["data"])

    def wait(self, type_, timeout=TIMEOUT, **wanted):
        """The next event of this type whose fields are as wanted; those before are passed over."""
        deadline = time.monotonic() + timeout
        while True:
            event = self.event(deadline - time.monotonic())
            if event["type"] == type_ and all(event[key] == value for key, value in wanted.items()):
                return event

    def wait_until(self, predicate, timeout=TIMEOUT):
        """Asks again after every event; returns what is true at last."""
        deadline = time.monotonic() + timeout
        while not (result := predicate()):
            self.next(deadline - time.monotonic())
        return result


def wait_seen(predicate, timeout=TIMEOUT):
    """For what no event tells: samples, single probes. Asks until it is so; the answer."""
    deadline = time.monotonic() + timeout
    while not (result := predicate()):
        assert time.monotonic() < deadline, "not seen in time"
        time.sleep(LOOK_SECONDS)
    return result
