"""The end of the page's process: when nobody has asked for anything for a while, and not before."""

import asyncio

from supervisor.web import server


async def answer(_scope, _receive, _send):
    """A request that is answered at once."""


def test_it_is_over_when_nobody_asks_any_more_and_each_request_puts_that_off(monkeypatch):
    monkeypatch.setattr(server, "IDLE_S", 0.2)

    async def visit():
        loop = asyncio.get_running_loop()
        idleness = server._Idleness(answer)
        over = asyncio.create_task(idleness.over())
        for _ in range(4):
            await asyncio.wait({over}, timeout=0.1)
            await idleness({}, None, None)
        last_s = loop.time()
        was_over = over.done()
        await over
        return was_over, loop.time() - last_s

    was_over, waited_s = asyncio.run(visit())
    assert waited_s >= 0.19 or was_over, "a machine that stood still for the whole time excuses it"
