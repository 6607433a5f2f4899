"""The thread that answers: one event loop for all connections, and nothing of it elsewhere."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from vxland.http.faults import FAULTS
from vxland.http.site import Site
from vxland.http.tls import Certificates

PAUSE = 1.0  # seconds until it goes on where memory was short


class ServerThread(threading.Thread):
    """Answers on a listening socket, which it closes in the end.

    ``loopback`` is whether only this machine reaches it.
    """

    def __init__(
        self,
        site: Site,
        listener: socket.socket,
        certificates: Certificates | None,
        *,
        loopback: bool,
    ) -> None:
        super().__init__(name="vxland-http", daemon=True)
        self.site = site
        self.listener = listener
        self.certificates = certificates
        self.loopback = loopback
        self.fault: str | None = None  # why it ended by itself
        self._lock = threading.Lock()
        self._stopped = False
        self._wake: Callable[[], object] | None = None

    def run(self) -> None:
        """Answer until it is stopped."""
        try:
            # Imported here, so that the daemon's first turns don't wait for it.
            from vxland.http.serve import serve  # noqa: PLC0415

            while True:
                try:
                    return serve(self)
                except MemoryError:  # goes on by itself: a thread might not be had for it
                    time.sleep(PAUSE)
        except Exception as error:  # noqa: BLE001 - the next turn begins again, and says so
            self.fault = repr(error)
            FAULTS.log(error)
        finally:
            self.listener.close()

    def on_stop(self, wake: Callable[[], object]) -> None:
        """Call this when it is to stop: at once if it is already."""
        with self._lock:
            self._wake = wake
            if self._stopped:
                wake()

    def stop(self) -> None:
        """End, and wait for it: it never does anything that takes long."""
        with self._lock:
            self._stopped = True
            if self._wake:
                with contextlib.suppress(RuntimeError):  # its loop has ended by itself
                    self._wake()
        self.join()
