"""Servers as Debian ships them, by the files of docs/examples/servers: each shares one listening
socket of reeve's, and replaces its processes without a lost request."""

import pytest
from examples import pool_text
from http_load import Client, load
from reeve import pool, worker

# How many threads each may be asked for, and whether clients may keep their connections: gunicorn
# and puma close kept ones without a word when they end, uWSGI keeps none.
SERVERS = {"gunicorn": (3, False), "uwsgi": (3, False), "puma": (3, False), "node": (1, True)}

# uWSGI ends each of its threads where it stands; one that has just taken a connection drops it. Of at
# most so many: three processes of the first grid, and one of the second.
UWSGI_MAY_LOSE = 3 * 4 + 3


def address_of(daemon, name):
    """Where it listens: at a port that the kernel chose."""
    host, _, port = daemon.pool(name)["listeners"][0].rpartition(":")
    return host, int(port)


@pytest.fixture(params=SERVERS)
def server(request, reeve):
    """(daemon, name, address) with two processes that are ready."""
    name = request.param
    daemon = reeve({name: pool_text(f"servers/pools.d/{name}.pool", 0)})
    daemon.ctl("wait", name, "--for=ready")
    return daemon, name, address_of(daemon, name)


def test_every_change_of_a_server_as_debian_ships_it(server):
    daemon, name, address = server
    threads, keeps = SERVERS[name]
    may_lose = UWSGI_MAY_LOSE if name == "uwsgi" else 0
    before = daemon.pids(name)
    assert Client(address, keeps).ask()[1]["pid"]
    with load(address, 4, keeps=keeps) as running:
        running.await_answers(20)
        daemon.ctl("scale", name, "-p", "3")
        assert daemon.pids(name)[:2] == before
        daemon.ctl("scale", name, "-p", "1", "-t", threads)
        after = daemon.pids(name)
        daemon.ctl("restart", "--rolling", name)
        running.await_answers(20)
    assert len(running.lost) <= may_lose
    assert len(daemon.pids(name)) == 1 and daemon.pids(name) != after
    assert (after[0] == before[0]) == (threads == 1), "threads change by replacement alone"


def test_a_server_of_the_sdk_keeps_connections_through_every_change(reeve):
    daemon = reeve({"web": pool(worker("web"), Type="notify",
                                scale={"Processes": 1, "Threads": 8, "ProcessesMax": 8,
                                       "ThreadsMax": 64, "ThreadControl": "live"},
                                listen={"ListenStream": "127.0.0.1:0"})})
    first = daemon.wait_ready_pids("web", 1)
    with load(address_of(daemon, "web"), 4) as running:
        for body, kept in (({"threads": 16}, 1), ({"processes": 4, "threads": 2}, 1),
                           ({"mode": "processes"}, 4), ({"mode": "threads"}, 1)):
            running.await_answers(50)
            reply = daemon.scale("web", body).json
            assert reply["state"] == "done" and len(reply["kept"]) == kept
        daemon.ctl("restart", "--rolling", "web")
        running.await_answers(50)
    assert running.lost == [] and first[0] in running.pids
    assert not set(first) & set(daemon.pids("web"))
