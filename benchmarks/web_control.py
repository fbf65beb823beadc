"""A server that does nothing: the same answer to whatever comes, on a port that it prints, until the end of the input.

It is as nice as the page's process. What it costs to be asked without a pause is what the clients cost.
"""

from __future__ import annotations

import asyncio
import os
import sys

from supervisor.web.__main__ import NICENESS

BODY = b"{}"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(BODY), BODY)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer once there is a whole request, or never."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    os.nice(NICENESS)
    asyncio.run(serve())
