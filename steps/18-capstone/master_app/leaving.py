"""The end of a process: first its clients are told, then it may end."""

import asyncio
import signal

RESTART = 4503  # close code: another process will be here soon
TURNS = 5  # of a tenth of a second
everyone = set()  # the sockets of this process
server = ending = None  # what SIGTERM means to the server, and a task


def enter(socket):
    """Someone is here. The first one in a process has SIGTERM heard."""
    global server
    everyone.add(socket)
    if server is None:
        server = signal.getsignal(signal.SIGTERM)
        if callable(server):  # in a test there is none
            loop = asyncio.get_running_loop()
            signal.signal(
                signal.SIGTERM,
                lambda *_: loop.call_soon_threadsafe(begin),
            )


def begin():
    """It has come to that."""
    global ending
    ending = ending or asyncio.create_task(tell())


async def tell():
    """Close all sockets, also those that still come; then end."""
    for _ in range(TURNS):
        for socket in list(everyone):
            if not socket.code:
                await socket.close(RESTART)
        await asyncio.sleep(0.1)
    server(signal.SIGTERM, None)
