"""Answers that take a while are made in a thread of their own, and few at a time."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tornado.iostream import IOStream
from tornado.web import HTTPError

MOST = 16  # answers that are waited for, made, or not yet taken: each may be some megabytes
GRACE = 1.0  # seconds that an answer isn't cut in
BUSY = 503


class Order:
    """One answer."""

    def __init__(self, stream: IOStream, cook: ThreadPoolExecutor) -> None:
        self.stream = stream
        self.made_at: float | None = None
        self._cook = cook

    async def make(self, answer: Callable[[], bytes]) -> bytes:
        """Have it made. The loop goes on meanwhile."""
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(self._cook, answer)
        self.made_at = loop.time()
        return body


class Kitchen:
    """Has the thread, and counts the answers."""

    def __init__(self) -> None:
        self._cook = ThreadPoolExecutor(1, "vxland-http-answers")
        self._orders: list[Order] = []

    @contextmanager
    def order(self, stream: IOStream) -> Iterator[Order]:
        """A place, until the answer was taken. Raises HTTPError where all are taken."""
        if len(self._orders) >= MOST:
            self._cut_one()
        order = Order(stream, self._cook)
        self._orders.append(order)
        try:
            yield order
        finally:
            if order in self._orders:
                self._orders.remove(order)

    def close(self) -> None:
        """Begin nothing more."""
        self._cook.shutdown(wait=False, cancel_futures=True)

    def _cut_one(self) -> None:
        """Who doesn't take its answer makes room for those who do."""
        late = asyncio.get_running_loop().time() - GRACE
        left = [order for order in self._orders if order.made_at and order.made_at < late]
        if not left:
            raise HTTPError(BUSY, reason="Service Unavailable")
        self._orders.remove(left[0])
        left[0].stream.close()
