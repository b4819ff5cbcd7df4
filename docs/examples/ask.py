#!/usr/bin/python3
"""A client of the lines examples: asks a line at a time and prints the answers, or keeps asking.

ask.py PORT LINE...                                       one connection, an answer each
ask.py PORT --clients N --until-file PATH                 N connections, until the file is there
"""

import argparse
import pathlib
import socket
import threading

FAILURES_MAX = 1000


def ask(stream, line):
    stream.write(line.encode() + b"\n")
    stream.flush()
    return stream.readline().decode().rstrip("\n")


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def keep_asking(port, until, failures):
    """Ten lines a connection, as a client does that comes and goes; nobody asks the dead for ever."""
    while not until.exists() and len(failures) < FAILURES_MAX:
        try:
            with connect(port) as connection, connection.makefile("rwb") as stream:
                for number in range(10):
                    if ask(stream, f"line {number}") != f"LINE {number}":
                        failures.append(number)
        except OSError as error:
            failures.append(error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("lines", nargs="*")
    parser.add_argument("--clients", type=int, default=0)
    parser.add_argument("--until-file", type=pathlib.Path)
    options = parser.parse_args()
    if options.lines:
        with connect(options.port) as connection, connection.makefile("rwb") as stream:
            for line in options.lines:
                print(ask(stream, line))
    failures = []
    clients = [threading.Thread(target=keep_asking, args=(options.port, options.until_file, failures))
               for _ in range(options.clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if clients:
        print(f"failed: {len(failures)}")


if __name__ == "__main__":
    main()
