"""The demo's web application: says which worker answered. /slow waits half a second first."""

import os
import time

SLOW_SECONDS = 0.5


def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(SLOW_SECONDS)
    text = "pool {REEVE_POOL}, slot {REEVE_SLOT}, {REEVE_THREADS} threads".format(**os.environ)
    body = f"{text}, process {os.getpid()}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"),
                              ("Content-Length", str(len(body)))])
    return [body]
