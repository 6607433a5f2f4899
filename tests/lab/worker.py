"""Something that goes on in a thread of its own while a test does what it does."""

import threading
from typing import Self


class Worker:
    """Works while it is entered. What a subclass does, it does until ``ended``."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._to_the_end, daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Work no more; once is enough. Raises what ended the work before."""
        if not self.ended.is_set():
            self.ended.set()
            self._thread.join()
            self._close()
            if self._failure is not None:
                raise self._failure

    def _to_the_end(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - the test's thread is told
            self._failure = error

    def _work(self) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        """Close what it worked with."""
