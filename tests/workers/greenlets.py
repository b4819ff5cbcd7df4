"""A worker with greenlets of the SDK: keeps its pool full, and says so once it is."""

import signal
import sys

import gevent
import reeve


def work():
    gevent.sleep(0.005)


def main():
    pool = reeve.GreenletPool()
    gevent.signal_handler(signal.SIGTERM, sys.exit)
    reeve.notify.ready()
    while True:
        pool.spawn(work)  # waits while there is no room


if __name__ == "__main__":
    main()
