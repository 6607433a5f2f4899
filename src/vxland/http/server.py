"""The daemon's side of HTTP: where to listen, by which certificates, and what is wrong with it."""

import logging
import socket
from errno import EADDRINUSE
from ipaddress import ip_address

from vxland.http.site import Site
from vxland.http.thread import ServerThread
from vxland.http.tls import Certificates, Unusable
from vxland.settings import HttpSettings

LOG = logging.getLogger("vxland")

OFF = HttpSettings(listen=None)
WAITING = 128  # connections that the kernel holds until there is room


class Server:
    """Answers where the configuration says; where that can't be had, ``problem`` says so.

    The loop calls ``listen`` after every turn: what couldn't be had is tried again then, and
    renewed certificates are taken up.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._settings = OFF
        self._certificates: Certificates | None = None
        self._warned: tuple[str, ...] = ()
        self._thread: ServerThread | None = None
        self.problem: str | None = None  # why there are no metrics, and what to do

    def listen(self, settings: HttpSettings) -> None:
        """Answer here, and as if it had always been so. It returns at once."""
        self.problem = None
        running = self._thread is not None and self._thread.is_alive()
        if settings == self._settings and (running or settings.listen is None):
            self._renew()
            return
        ended = self._thread.fault if self._thread else None
        self.close()
        try:
            self._open(settings)
        except Unusable as error:
            self.problem = f"no metrics: {error}"
        else:
            self._settings = settings
            self._warn()
            if ended:
                self.problem = f"metrics had ended, and begin again: {ended}"

    def close(self) -> None:
        """Answer no more."""
        if self._thread is not None:
            self._thread.stop()
        self._thread, self._certificates, self._settings = None, None, OFF

    def _open(self, settings: HttpSettings) -> None:
        """Raises Unusable; then nothing is open."""
        if settings.listen is None:
            return
        certificates = None
        if settings.tls_cert and settings.tls_key:
            certificates = Certificates(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        listener = _listener(*settings.listen)
        thread = ServerThread(self._site, listener, certificates, loopback=_is_loopback(settings))
        try:
            thread.start()
        except RuntimeError as error:
            listener.close()
            raise Unusable(
                f"{error}. End what else takes many threads, or let the service have more:"
                " TasksMax= in systemctl edit vxland"
            ) from None
        self._thread, self._certificates = thread, certificates

    def _renew(self) -> None:
        if self._certificates is None:
            return
        try:
            self._certificates.renew()
        except Unusable as error:
            self.problem = f"the last good certificate stays in use: {error}"
        self._warn()

    def _warn(self) -> None:
        """Say once what isn't wrong enough to end HTTP."""
        warnings = self._certificates.warnings() if self._certificates else ()
        for warning in warnings:
            if warning not in self._warned:
                LOG.warning("%s", warning)
        self._warned = warnings


def _is_loopback(settings: HttpSettings) -> bool:
    return settings.listen is not None and ip_address(settings.listen[0]).is_loopback


def _listener(host: str, port: int) -> socket.socket:
    """Raises Unusable where the port can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = None
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(WAITING)
        listener.settimeout(0)
    except OSError as error:
        if listener is not None:
            listener.close()
        cure = "change listen in [http]"
        if error.errno == EADDRINUSE:
            cure = f"Stop what holds it (ss -tlnp 'sport = :{port}'), or {cure}"
        else:
            cure = f"See that this machine has that address, or {cure}"
        raise Unusable(
            f"cannot listen on {host} port {port}: {error.strerror or error}. {cure}"
        ) from None
    return listener
