"""The daemon's thread for names: asks when it is time, and rings where another answer came."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from random import SystemRandom
from typing import TYPE_CHECKING

from vxland.lookup.hosts import Hosts
from vxland.process.faults import Faults
from vxland.underlay.names import Answer, Book

if TYPE_CHECKING:
    import asyncio

AT_ONCE = 8  # names asked for at a time
PACE = 0.01  # seconds from one to the next: a name server is others', too
PAUSE = 1.0  # seconds before it begins again after a fault of its own


class NameService:
    """Knows what names stand for, as far as it was told. Nothing here waits for an answer."""

    def __init__(
        self, ring: Callable[[], None], give_way: Callable[[], None] = lambda: None
    ) -> None:
        self._ring = ring
        self._give_way = give_way
        self._lock = threading.Lock()
        self._book = Book(SystemRandom().random)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._closed = False
        self._faults = Faults("asking for names failed")

    def answers(self, names: frozenset[str]) -> Mapping[str, Answer]:
        """What is known of these names now. They and no others are asked for from now on."""
        with self._lock:
            new = self._book.want(names, time.monotonic())
            if new or (names and self._thread is None):
                self._begin()
            return self._book.answers()

    def hurry(self) -> None:
        """Ask for all of them again now."""
        with self._lock:
            self._book.hurry(time.monotonic())
            self._wake()

    def close(self) -> None:
        """Ask no more."""
        with self._lock:
            self._closed = True
            self._wake()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="vxland-names", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # there can't be another one now; the next turn tries again
                return
            self._thread = thread
        self._wake()

    def _wake(self) -> None:
        if self._loop is not None and self._news is not None:
            self._loop.call_soon_threadsafe(self._news.set)

    def _run(self) -> None:
        import asyncio  # noqa: PLC0415 - only who has names pays for it

        while not self._closed:
            try:
                asyncio.run(self._ask())
            except Exception as error:  # noqa: BLE001 - names that were asked for go on waiting
                self._faults.log(error)
                time.sleep(PAUSE)

    async def _ask(self) -> None:
        """Ask for whatever is due, until closed; what is under way then is given up."""
        import asyncio  # noqa: PLC0415

        from vxland.lookup.query import look_up  # noqa: PLC0415

        news, hosts = asyncio.Event(), Hosts()
        running: set[asyncio.Task[None]] = set()

        async def one(name: str) -> None:
            lookup = await look_up(name, hosts)
            with self._lock:
                changed = self._book.enter(name, lookup, time.monotonic())
            if changed:
                self._ring()

        def done(task: asyncio.Task[None]) -> None:
            running.discard(task)
            news.set()

        with self._lock:
            self._loop, self._news = asyncio.get_running_loop(), news
            self._book.begin(time.monotonic())
        try:
            while not self._closed:
                self._give_way()
                news.clear()
                with self._lock:
                    now = time.monotonic()
                    name = self._book.take(now) if len(running) < AT_ONCE else None
                    due = self._book.next() if len(running) < AT_ONCE else None
                if name is not None:
                    task = asyncio.create_task(one(name))
                    running.add(task)
                    task.add_done_callback(done)
                    await asyncio.sleep(PACE)
                    continue
                patience = None if due is None else max(0.0, due - now)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), patience)
        finally:
            with self._lock:
                self._loop = self._news = None
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
