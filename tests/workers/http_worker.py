"""A page at ADDRESS:PORT that does as it is told.

usage: http_worker.py ADDRESS PORT FOLDER [wait]

The folder is looked at for each request: `hang` in it, or `hang-PID` for one worker, makes it never
answer; `slow` answer after the seconds that stand in it; `fail` answer 500. With `wait` it listens
only once `go` is there. Every other answer is 200."""

import http.server
import os
import pathlib
import signal
import sys
import time

ADDRESS, PORT, FOLDER = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])


def told(word):
    """What was written for all workers or for this one; None: nothing."""
    for path in (FOLDER / word, FOLDER / f"{word}-{os.getpid()}"):
        if path.exists():
            return path.read_text()
    return None


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        while told("hang") is not None:
            time.sleep(0.01)
        time.sleep(float(told("slow") or 0))
        self.send_response(500 if told("fail") is not None else 200)
        self.end_headers()
        self.wfile.write(f"{os.getpid()}\n".encode())

    def log_message(self, *_):
        pass


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while "wait" in sys.argv and told("go") is None:
        time.sleep(0.01)
    print("listening", flush=True)
    http.server.HTTPServer((ADDRESS, PORT), Page).serve_forever()


main()
