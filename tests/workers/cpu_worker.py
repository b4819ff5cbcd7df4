"""CPU-bound worker: REEVE_THREADS threads count, under the interpreter's lock, until SIGTERM.

usage: cpu_worker.py [SHARE]

SHARE (0..1, default 1) is the part of the time that each thread computes; the rest it waits."""

import os
import signal
import sys
import threading
import time

SLICE_SECONDS = 0.01


def count(share, ending):
    number = 0
    while not ending.is_set():
        end = time.monotonic() + SLICE_SECONDS
        while time.monotonic() < end:
            number += 1
        if share < 1:
            ending.wait(SLICE_SECONDS * (1 - share) / share)


def main():
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    threads = [threading.Thread(target=count, args=(share, ending), name=f"count-{number}")
               for number in range(int(os.environ.get("REEVE_THREADS", "1")))]
    for thread in threads:
        thread.start()
    print(f"counting with {len(threads)} threads", flush=True)
    ending.wait()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
