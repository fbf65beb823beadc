"""The page's process: it ends when nobody has asked for anything for a while, and tells that it is alive until then."""

import asyncio

from supervisor.web import server


async def answer(_scope, _receive, _send):
    """A request that is answered at once."""


def test_it_is_over_when_nobody_asks_any_more_and_each_request_puts_that_off():
    async def visit():
        loop = asyncio.get_running_loop()
        activity = server._Activity(answer, idle_s=0.2)
        over = asyncio.create_task(activity.over())
        for _ in range(4):
            await asyncio.wait({over}, timeout=0.1)
            await activity({}, None, None)
        last_s = loop.time()
        was_over = over.done()
        await over
        return was_over, loop.time() - last_s

    was_over, waited_s = asyncio.run(visit())
    assert waited_s >= 0.19 or was_over, "a machine that stood still for the whole time excuses it"


def test_its_heartbeats_tell_progress_and_whether_somebody_waits_for_an_answer():
    beats = []

    async def visit():
        is_told, may_end = asyncio.Event(), asyncio.Event()

        def sink(message):
            beats.append(message)
            is_told.set()

        async def told(phase):
            while not beats or beats[-1]["phase"] != phase:
                is_told.clear()
                await is_told.wait()

        async def answer_late(_scope, _receive, _send):
            await may_end.wait()

        activity = server._Activity(answer_late, beat_s=0.0)
        beating = asyncio.create_task(activity.beat(sink))
        await told("unasked")
        request = asyncio.create_task(activity({}, None, None))
        await told("serving")
        may_end.set()
        await request
        await told("unasked")
        beating.cancel()

    asyncio.run(visit())
    assert [one["progress"] for one in beats] == list(range(1, len(beats) + 1))
