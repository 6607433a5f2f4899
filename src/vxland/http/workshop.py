"""Answers that take a while are made in a thread of their own, in turn, and few are kept."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

from tornado.iostream import IOStream
from tornado.web import HTTPError

MOST = 16  # answers that are made, or not yet taken: each may be some megabytes
PATIENCE = 10.0  # seconds to wait for one's turn
GRACE = 0.25  # seconds that an answer isn't cut in; most fit into the kernel's buffers at once
BUSY = 503

Made = tuple[int, bytes]  # status and body
Answer = Callable[[], Made]
Send = Callable[[Made], Awaitable[None]]


class Workshop:
    """Has the thread, and places for answers. Who waits for a place gets one in turn.

    A connection asks for one thing at a time, and waits no more once it has ended: so no more wait
    than are connected.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "vxland-http-answers")
        self._thread.submit(int)  # begins it now: where memory is short it couldn't begin any more
        self._bench = asyncio.Lock()  # for one at a time, in the order of asking
        self._next: dict[Hashable, asyncio.Future[Made]] = {}  # that aren't begun yet
        self._places = asyncio.Semaphore(MOST)
        self._waiting = 0
        self._closed = False
        self._untaken: dict[IOStream, float] = {}  # since when, the oldest first

    async def serve(self, kind: Hashable, answer: Answer, taker: IOStream, send: Send) -> None:
        """Have it made, and keep the place until it was taken. Raises HTTPError where it's full.

        No variable here holds the answer: a traceback would keep it in memory.
        """
        await self._wait()
        loop = asyncio.get_running_loop()
        try:
            taken = send(await self._made(kind, answer))
            self._untaken[taker] = loop.time()
            timer = loop.call_later(GRACE, self._cut)
            try:
                await taken
            finally:
                timer.cancel()
                self._untaken.pop(taker, None)
        finally:
            self._places.release()

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _wait(self) -> None:
        self._waiting += 1
        self._cut()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            raise HTTPError(BUSY) from None
        finally:
            self._waiting -= 1

    async def _made(self, kind: Hashable, answer: Answer) -> Made:
        """Whoever wants the same before it is begun shares it: it is as new for all of them."""
        if kind not in self._next:
            self._next[kind] = asyncio.ensure_future(self._make(kind, answer))
        return await asyncio.shield(self._next[kind])  # who leaves doesn't end it for the others

    async def _make(self, kind: Hashable, answer: Answer) -> Made:
        async with self._bench:
            del self._next[kind]
            if self._closed:
                raise HTTPError(BUSY)
            return await asyncio.get_running_loop().run_in_executor(self._thread, answer)

    def _cut(self) -> None:
        """Who doesn't take its answer makes room for those who wait."""
        if not self._places.locked():
            return
        late = asyncio.get_running_loop().time() - GRACE
        for taker, since in [*self._untaken.items()][: self._waiting]:
            if since <= late:
                del self._untaken[taker]
                taker.close()
