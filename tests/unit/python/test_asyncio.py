"""The limit for asyncio: its size follows, and whoever waits or gives up leaves no trace."""

import asyncio

import pytest
import reeve.asyncio
from fake_reeve import line_of, tell

WORKER = """
import asyncio, sys, reeve.asyncio
async def main():
    limit = reeve.asyncio.Limit()
    gate = asyncio.Semaphore(0)
    async def work():
        async with limit:
            await gate.acquire()
    tasks = [asyncio.create_task(work()) for _ in range(40)]
    print("ready", flush=True)
    while (line := await asyncio.to_thread(sys.stdin.readline)):
        for _ in range(int(line)):
            gate.release()
    await asyncio.gather(*tasks)
    print(limit.live, flush=True)
asyncio.run(main())
"""


def test_size_follows(fake):
    reeve = fake(threads=1, greenlets=5)
    process = reeve.start(WORKER)
    assert line_of(process) == "ready"
    connection = reeve.accept()
    assert connection.receive()["GREENLETS_OK"] == "5"

    def await_live(count):
        reeve.read.await_that(lambda read: read.totals()["greenlets_live"] == count)

    await_live(5)
    assert reeve.read.thread(0)["kind"] == 2 and reeve.read.thread(0)["state"] == "busy"
    assert connection.ask("SEQUENCE=1\nGREENLETS=20\n") == {"SEQUENCE": "1", "GREENLETS_OK": "20"}
    await_live(20)
    assert connection.ask("GREENLETS=2\n") == {"GREENLETS_OK": "2"}
    reeve.read.await_that(lambda read: read.totals()["greenlets_wanted"] == 2)
    tell(process, "18")
    await_live(2)
    tell(process, "100")
    process.stdin.close()
    assert line_of(process) == "0"
    totals = reeve.read.totals()
    assert (totals["submitted"], totals["started"], totals["done"]) == (40, 40, 40)
    process.stdin = None


def test_who_gives_up_leaves_no_trace():
    async def main():
        limit = reeve.asyncio.Limit(1)
        await limit.acquire()
        waiting = [asyncio.create_task(limit.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        limit.release()  # lets the second in, in the same moment in which it is cancelled
        waiting[1].cancel()
        await asyncio.wait(waiting[:2])
        await waiting[2]
        assert limit.live == 1
        limit.release()
        assert limit.live == 0
        async with limit:
            assert limit.live == 1
        with pytest.raises(KeyError):
            async with limit:
                raise KeyError
        assert limit.live == 0

    asyncio.run(main())


def test_arguments_that_cannot_be():
    with pytest.raises(ValueError):
        reeve.asyncio.Limit(0)
    with pytest.raises(ValueError):
        reeve.asyncio.Limit().resize(-1)
