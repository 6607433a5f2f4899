"""Something that goes on in a thread of its own while a test does what it does."""

import threading
from typing import Self


class Worker:
    """Works while it is entered. What a subclass does, it does until ``ended``."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Work no more; once is enough."""
        if not self.ended.is_set():
            self.ended.set()
            self._thread.join()
            self._close()

    def _work(self) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        """Close what it worked with."""
