"""More and fewer workers: only the difference moves, it is kept, and what fails is taken back."""

import json
import threading

import processes
import pytest
from reeve import pool, worker

LIMITS = {"Processes": 2, "Threads": 2, "ProcessesMax": 6, "ThreadsMax": 8}


def sleepers(**scale):
    return pool(worker("pause"), scale={**LIMITS, **scale})


@pytest.fixture
def daemon(reeve):
    daemon = reeve({"w": sleepers()})
    daemon.wait_state("w")
    return daemon


def test_only_the_difference_moves(daemon):
    before = daemon.pids("w")
    up = daemon.scale("w", {"processes": 5}).json
    assert up["state"] == "done" and sorted(up["kept"]) == sorted(before)
    assert len(up["started"]) == 3 and up["stopped"] == []
    assert up["from"]["processes"] == 2 and up["to"]["processes"] == 5
    grown = daemon.pids("w")
    assert grown[:2] == before and sorted(grown[2:]) == sorted(up["started"])
    down = daemon.scale("w", {"processes": 1}).json
    assert down["kept"] == grown[:1] and sorted(down["stopped"]) == sorted(grown[1:])
    processes.wait_gone(grown[1:], 0)
    assert daemon.pids("w") == grown[:1]


def test_who_is_ready_at_once_is_told_as_started(reeve):
    """Its word may come before anybody has looked whether its command runs."""
    daemon = reeve({"w": pool(worker("notify"), Type="notify", scale={"Processes": 1, "ProcessesMax": 12})})
    daemon.wait_state("w")
    for _ in range(8):
        assert len(daemon.scale("w", {"processes": 12}).json["started"]) == 11
        daemon.scale("w", {"processes": 1})


def test_to_nothing_and_back(daemon):
    assert daemon.scale("w", {"processes": 0}).json["state"] == "done"
    assert daemon.pids("w") == []
    assert daemon.scale("w", {"processes": 2}).json["state"] == "done"
    assert len(daemon.pids("w")) == 2


def test_the_scale_is_kept(daemon):
    daemon.scale("w", {"processes": 4})
    drop_in = daemon.state / "control/w.pool.d/50-scale.conf"
    assert "Processes=4" in drop_in.read_text()
    daemon.stop()
    daemon.start()
    assert daemon.wait_state("w")["scale"]["processes"] == 4
    assert len(daemon.pids("w")) == 4


def test_the_scale_of_this_run_only(daemon):
    daemon.scale("w", {"processes": 4, "runtime": True})
    assert len(daemon.pids("w")) == 4
    assert not (daemon.state / "control/w.pool.d/50-scale.conf").exists()
    daemon.stop()
    daemon.start()
    assert daemon.wait_state("w")["scale"]["processes"] == 2


def test_reset(daemon):
    daemon.scale("w", {"processes": 4})
    daemon.ctl("scale", "w", "--reset")
    assert daemon.wait_state("w")["scale"]["processes"] == 2
    assert not (daemon.state / "control/w.pool.d/50-scale.conf").exists()


def test_dry_run_moves_nothing(daemon):
    before, generation = daemon.pids("w"), daemon.pool("w")["generation"]
    plan = daemon.scale("w", {"processes": 5, "dry_run": True}).json
    assert plan["to"]["processes"] == 5 and sorted(plan["kept"]) == sorted(before)
    assert daemon.pids("w") == before and daemon.pool("w")["generation"] == generation


@pytest.mark.parametrize("body, to", [
    ({"mode": "processes"}, (4, 1)), ({"mode": "threads"}, (1, 4)), ({"total": 8}, (4, 2)),
])
def test_conversions_keep_the_concurrency(reeve, body, to):
    text = pool(worker("pause"), Environment="T=${REEVE_THREADS}",
                scale={**LIMITS, "ThreadControl": "replace"})
    daemon = reeve({"w": text})
    daemon.wait_state("w")
    reply = daemon.scale("w", body).json
    assert (reply["to"]["processes"], reply["to"]["threads"]) == to
    assert daemon.wait_state("w")["processes"]["ready"] == to[0]


def test_threads_by_replacement(reeve, tmp_path):
    report = tmp_path / "report"
    daemon = reeve({"w": pool(worker("notify_worker", report), Type="notify",
                              scale={**LIMITS, "ThreadControl": "replace"})})
    daemon.wait_state("w")
    before = daemon.pids("w")
    reply = daemon.scale("w", {"threads": 5}).json
    assert reply["state"] == "done" and set(before) <= set(reply["stopped"])
    given = [json.loads(line)["environment"]["REEVE_THREADS"]
             for line in report.read_text().splitlines()]
    # One more stood in while the others were replaced.
    assert given[:2] == ["2", "2"] and set(given[2:]) == {"5"}
    assert set(daemon.pids("w")) == set(reply["started"]) - set(reply["stopped"])
    processes.wait_gone(before, 0)


def test_threads_fixed(daemon):
    before = daemon.pids("w")
    refused = daemon.scale("w", {"threads": 3}, status=422)
    assert refused.code == "threads-fixed" and daemon.pids("w") == before


def test_t43_only_the_first_of_two_wins(daemon):
    shown = daemon.api.get("/v1/pools/w")
    tag = shown.headers["ETag"]
    daemon.scale("w", {"processes": 3}, headers={"If-Match": tag})
    refused = daemon.scale("w", {"processes": 4}, status=412, headers={"If-Match": tag})
    assert refused.code == "stale-generation"
    assert daemon.pool("w")["scale"]["processes"] == 3
    assert daemon.pool("w")["generation"] == shown.json["generation"] + 1


def at_once(count, ask):
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_t43_many_at_once_are_serial(daemon):
    tag = daemon.api.get("/v1/pools/w").headers["ETag"]
    codes = []

    def ask(number):
        body = {"processes": 1 + number % 5}
        codes.append(daemon.api.patch("/v1/pools/w/scale", body, headers={"If-Match": tag}).status)

    at_once(50, ask)
    assert sorted(codes)[0] in (200, 202) and sorted(codes)[1:] == [412] * 49


def test_t43_readers_who_write_count_each_other(daemon):
    """Fifty add one generation each, by reading and writing until nobody came between."""
    before = daemon.pool("w")["generation"]
    given = []

    def ask(number):
        while True:
            tag = daemon.api.get("/v1/pools/w").headers["ETag"]
            reply = daemon.api.patch("/v1/pools/w/scale", {"processes": 1 + number % 6},
                                     headers={"If-Match": tag})
            if reply.status != 412:
                assert reply.status in (200, 202)
                given.append(reply.json["generation"])
                return

    at_once(50, ask)
    assert sorted(given) == list(range(before + 1, before + 51))


def test_t43_without_if_match_the_last_one_wins(daemon):
    before = daemon.pool("w")["generation"]
    asked = {}

    with daemon.events() as events:
        def ask(number):
            body = {"processes": 1 + number % 6}
            reply = daemon.api.patch("/v1/pools/w/scale", body).json
            asked[reply["generation"]] = reply

        at_once(50, ask)
        assert sorted(asked) == list(range(before + 1, before + 51))
        last = asked[before + 50]
        # Each is told with who asked for it, and those that were overtaken say so.
        told = [events.wait("pool.scaled", pool="w") for _ in range(50)]
        assert [event["detail"]["generation"] for event in told] == sorted(asked)
        assert all(event["actor"] for event in told)
    found = daemon.wait_until(
        lambda: (now := daemon.api.get(f"/v1/operations/{last['operation']}").json)["state"]
                != "running" and now)
    assert found["state"] == "done"
    assert daemon.wait_state("w")["scale"]["processes"] == last["to"]["processes"]
    assert len(daemon.wait_ready_pids("w", last["to"]["processes"])) == last["to"]["processes"]
    for reply in asked.values():
        row = daemon.api.get(f"/v1/operations/{reply['operation']}").json
        assert row["state"] == "done" or row["error"]["code"] == "replaced"


@pytest.mark.parametrize("body", [{"processes": 7}, {"threads": 9, "processes": 3}])
def test_over_the_limit(daemon, body):
    before = daemon.pids("w")
    refused = daemon.scale("w", body, status=422)
    assert refused.code == "over-limit"
    assert daemon.pids("w") == before


@pytest.mark.parametrize("body, status", [
    ({"processes": 2.0}, 422), ({"processes": "2"}, 422), ({"processes": -1}, 422),
    ({"proceses": 2}, 422), ({"mode": "turbo"}, 422),
    ('{"processes": 1, "processes": 2}', 400), ("{", 400), ("[1]", 422), ('{"processes": NaN}', 400),
])
def test_t42_counts_are_integers(daemon, body, status):
    before = daemon.pids("w")
    refused = daemon.api.patch("/v1/pools/w/scale", body)
    assert refused.status in {400, 422} and abs(refused.status - status) <= 22
    assert refused.content_type == "application/problem+json"
    assert daemon.pids("w") == before


def test_new_workers_that_fail_are_taken_back(reeve, tmp_path):
    """The first two workers live; those that come later crash before they are ready."""
    mended = tmp_path / "mended"
    mended.touch()
    daemon = reeve({"w": pool(worker("crash", 3, 0, mended), Type="notify", RestartSec="10ms",
                              StartLimitBurst=3, scale=LIMITS)})
    daemon.wait_state("w")
    before = daemon.pids("w")
    mended.unlink()
    reply = daemon.scale("w", {"processes": 4}).json
    assert reply["state"] == "rolled-back" and reply["error"]["detail"]
    assert daemon.pids("w") == before
    assert daemon.wait_state("w")["scale"]["processes"] == 2
    assert not (daemon.state / "control/w.pool.d/50-scale.conf").exists()


def test_an_operation_can_be_followed(daemon):
    accepted = daemon.api.patch("/v1/pools/w/scale", {"processes": 4}, status=202).json
    path = f"/v1/operations/{accepted['operation']}"
    done = daemon.wait_until(
        lambda: (found := daemon.api.get(path).json)["state"] != "running" and found)
    assert done["state"] == "done" and len(done["started"]) == 2


def test_ready_slots_never_fall_under_the_floor(reeve):
    text = pool(worker("notify_worker"), Type="notify",
                scale={**LIMITS, "Processes": 3, "ThreadControl": "replace"})
    daemon = reeve({"w": text})
    daemon.wait_state("w")
    with daemon.events() as events:
        daemon.api.patch("/v1/pools/w/scale", {"threads": 6}, status=202)
        lowest = 3
        while True:
            event = events.event()
            lowest = min(lowest, daemon.pool("w")["processes"]["ready"])
            if event["type"] == "pool.operation":
                break
    assert lowest >= 3


def test_as_many_as_processors(reeve):
    """Those that reeved may use, not those of the machine."""
    daemon = reeve({"w": sleepers()}, prefix=["taskset", "--cpu-list", "0"])
    daemon.wait_state("w")
    cpus = daemon.api.get("/v1/").json["cpus"]
    assert cpus["affinity"] == cpus["usable"] == 1 <= cpus["online"]
    daemon.ctl("scale", "w", "cpus")
    assert len(daemon.pids("w")) == 1
