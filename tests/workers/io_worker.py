"""I/O-bound worker: REEVE_THREADS threads send bytes to one another through socket pairs and wait.

Each thread waits on its socket; a byte goes round every TICK_SECONDS. Ends at SIGTERM."""

import os
import signal
import socket
import threading

TICK_SECONDS = 0.05


def echo(end):
    """Answers what comes until the other end closes."""
    while data := end.recv(64):
        end.sendall(data)


def main():
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    pairs = [socket.socketpair() for _ in range(int(os.environ.get("REEVE_THREADS", "1")))]
    threads = [threading.Thread(target=echo, args=(theirs,), name=f"echo-{number}")
               for number, (_, theirs) in enumerate(pairs)]
    for thread in threads:
        thread.start()
    print(f"waiting in {len(threads)} threads", flush=True)
    while not ending.wait(TICK_SECONDS):
        for ours, _ in pairs:
            ours.sendall(b"x")
            ours.recv(64)
    for ours, _ in pairs:
        ours.close()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
