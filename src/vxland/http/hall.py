"""The event loop: opens the door, and lets nobody stay when it ends."""

import asyncio

from tornado.ioloop import IOLoop

from vxland.http.answers import application
from vxland.http.door import Door
from vxland.http.faults import log_fault, quieten
from vxland.http.guests import Guests
from vxland.http.kitchen import Kitchen
from vxland.http.thread import ServerThread


def serve(thread: ServerThread) -> None:
    """Answer until the thread is stopped."""
    quieten()
    asyncio.run(_serve(thread))


async def _serve(thread: ServerThread) -> None:
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(_exception)
    kitchen = Kitchen()
    guests = Guests(application(thread.site, kitchen, loopback=thread.loopback))
    door = Door(IOLoop.current(), thread.listener, thread.certificates, guests)
    door.open()
    thread.on_stop(lambda: loop.call_soon_threadsafe(end.set))
    try:
        await end.wait()
    finally:
        door.close()
        kitchen.close()
        await guests.close_all_connections()


def _exception(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    log_fault(error if isinstance(error, Exception) else RuntimeError(context.get("message")))
