"""CPU-bound worker: REEVE_THREADS threads look for primes, under the interpreter's lock.

usage: cpu_worker.py [SHARE]

SHARE (0..1, default 1) is the part of the time that each thread computes; it waits the rest, so that
a demo burns no laptop. Says now and then how far it is. Ends at SIGTERM."""

import os
import signal
import sys
import threading
import time

SLICE_SECONDS = 0.01
REPORT_SECONDS = 5.0


def is_prime(number):
    return number > 1 and all(number % divisor for divisor in range(2, int(number ** 0.5) + 1))


class Search:
    """One thread's search, upward from its own starting point."""

    def __init__(self, first, share, ending):
        self.number, self.found = first, 0
        self.share, self.ending = share, ending

    def work_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.found += is_prime(self.number)
            self.number += 1

    def run(self):
        while not self.ending.is_set():
            self.work_for(SLICE_SECONDS)
            if self.share < 1:
                self.ending.wait(SLICE_SECONDS * (1 - self.share) / self.share)


def main():
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    searches = [Search(number * 1_000_000, share, ending)
                for number in range(int(os.environ.get("REEVE_THREADS", "1")))]
    threads = [threading.Thread(target=search.run, name=f"search-{number}")
               for number, search in enumerate(searches)]
    for thread in threads:
        thread.start()
    print(f"searching with {len(threads)} threads", flush=True)
    while not ending.wait(REPORT_SECONDS):
        print(f"{sum(search.found for search in searches)} primes found", flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
