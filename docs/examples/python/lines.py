"""A worker with the SDK: answers each line that it gets over TCP with the same in capitals.

Under reeve its threads follow `reevectl scale`, and what they do is seen; alone it runs as well:
python3 lines.py 7788"""

import contextlib
import selectors
import signal
import socket
import sys
import time

import reeve


def serve(connection):
    """One conversation is one task."""
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            reeve.label(f"line of {len(line)} bytes")
            with reeve.waiting("io"):
                time.sleep(0.01)  # where a database would be asked
            stream.write(line.upper())
            stream.flush()
            reeve.work()


def stop(_signal, _frame):
    raise SystemExit


def main():
    signal.signal(signal.SIGTERM, stop)
    listener = reeve.listener() or socket.create_server(("127.0.0.1", int(sys.argv[1])))
    # Other processes listen on the same socket, and may be quicker.
    listener.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    # The end of the block waits for what was accepted.
    with reeve.ThreadPoolExecutor(thread_name_prefix="serve", queue_size=100) as pool:
        reeve.notify.ready("listening")
        while not reeve.drain.is_set():
            if selector.select(1.0):
                with contextlib.suppress(BlockingIOError):
                    connection, _ = listener.accept()
                    connection.setblocking(True)
                    pool.submit(serve, connection)


if __name__ == "__main__":
    main()
