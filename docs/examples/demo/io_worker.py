"""I/O-bound worker: REEVE_THREADS threads wait on a socket each, for a byte that goes round.

Says now and then how many bytes went round. Ends at SIGTERM."""

import os
import signal
import socket
import threading

TICK_SECONDS = 0.05
TICKS_PER_REPORT = 100


def echo(end):
    """Answers what comes until the other end closes."""
    while data := end.recv(64):
        end.sendall(data)


def go_round(ends):
    """A byte there and back, through each of the threads."""
    for end in ends:
        end.sendall(b"x")
    for end in ends:
        end.recv(64)


def main():
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    pairs = [socket.socketpair() for _ in range(int(os.environ.get("REEVE_THREADS", "1")))]
    ours = [pair[0] for pair in pairs]
    threads = [threading.Thread(target=echo, args=(pair[1],), name=f"echo-{number}")
               for number, pair in enumerate(pairs)]
    for thread in threads:
        thread.start()
    print(f"waiting in {len(threads)} threads", flush=True)
    ticks = 0
    while not ending.wait(TICK_SECONDS):
        go_round(ours)
        ticks += 1
        if ticks % TICKS_PER_REPORT == 0:
            print(f"{ticks * len(ours)} bytes went round", flush=True)
    for end in ours:
        end.close()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
