"""The event loop: opens the acceptor, and lets nobody stay when it ends."""

import asyncio

from tornado.ioloop import IOLoop

from vxland.http.acceptor import Acceptor
from vxland.http.answers import application
from vxland.http.connections import Connections
from vxland.http.faults import FAULTS, quieten
from vxland.http.thread import ServerThread
from vxland.http.workshop import Workshop


def serve(thread: ServerThread) -> None:
    """Answer until the thread is stopped."""
    quieten()
    asyncio.run(_serve(thread))


async def _serve(thread: ServerThread) -> None:
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(_exception)
    workshop = Workshop()
    connections = Connections(application(thread.site, workshop, loopback=thread.loopback))
    acceptor = Acceptor(IOLoop.current(), thread.listener, thread.certificates, connections)
    acceptor.open()
    thread.on_stop(lambda: loop.call_soon_threadsafe(end.set))
    try:
        await end.wait()
    finally:
        acceptor.close()
        workshop.close()
        await connections.close_all_connections()


def _exception(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    FAULTS.log(error if isinstance(error, Exception) else RuntimeError(context.get("message")))
