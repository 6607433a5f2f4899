"""What each path answers, and what goes with every answer."""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from types import TracebackType
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler

from vxland.http.faults import FAULTS
from vxland.http.files import File, inline, page
from vxland.http.site import Site
from vxland.http.workshop import Answer, Made, Workshop
from vxland.status.line import json_line
from vxland.status.shape import Json

OK, NOT_FOUND, NOT_ALLOWED, MISDIRECTED, FAULT, UNAVAILABLE = 200, 404, 405, 421, 500, 503
PAGE = page()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; script-src 'self' {inline(PAGE['/'].plain)};"
    " style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TEXT = "text/plain; charset=utf-8"
GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:[;,]|$)", re.IGNORECASE)
NO_GZIP = re.compile(r"(?:^|,)\s*gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)", re.IGNORECASE)
PACKING = 5  # of gzip's levels: 9 takes twice as long and saves little


def application(site: Site, workshop: Workshop, *, loopback: bool) -> Application:
    """Everything there is."""
    paths: dict[str, tuple[type[RequestHandler], dict[str, Any]]] = {
        **{path: (_Static, {"file": file}) for path, file in PAGE.items()},
        "/metrics": (_Metrics, {}),
        "/healthz": (_Health, {"why_not": site.dead}),
        "/readyz": (_Health, {"why_not": site.unready}),
        "/api/v1/status": (_Api, {"answer": site.status}),
        "/api/v1/events": (_Api, {"answer": site.events}),
    }
    return Application(
        [(f"{re.escape(path)}$", handler, more) for path, (handler, more) in paths.items()],
        default_handler_class=_Missing,
        log_function=lambda _: None,
        site=site,
        workshop=workshop,
        loopback=loopback,
        paths=" ".join(paths),
    )


class _Answer(RequestHandler):
    """What all have in common: nothing can be changed, and nothing is kept by anybody."""

    SUPPORTED_METHODS = ("GET", "HEAD")
    _task: asyncio.Task[Any] | None = None  # that has its answer made, and sends it

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Type", TEXT)
        self.set_header("Cache-Control", "no-store")

    def prepare(self) -> None:
        """A page of somebody else's can give its name this address (DNS rebinding).

        A browser would let it read what is here, and says by which name it came.
        """
        if self.settings["loopback"] and not _is_local(self.request.host_name):
            raise HTTPError(MISDIRECTED)

    async def head(self) -> None:
        """As GET, without the body, which tornado leaves out."""
        await self.get()

    async def get(self) -> None:
        raise HTTPError(NOT_FOUND)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """In plain words."""
        del kwargs
        if status_code == NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.SUPPORTED_METHODS))
        if status_code == UNAVAILABLE:
            self.set_header("Retry-After", "1")
        self.finish(f"{_words(status_code, self.settings['paths'])}\n")

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """What a client did is its own business; a fault of ours is logged."""
        del typ, tb
        if value and not isinstance(value, HTTPError | StreamClosedError):
            FAULTS.log(value)

    def compute_etag(self) -> str | None:
        """None but for files: all else is another one each time."""
        return None

    def wants_packed(self) -> bool:
        """Whether it takes gzip."""
        self.add_header("Vary", "Accept-Encoding")
        accepted = self.request.headers.get("Accept-Encoding", "")
        return bool(GZIP.search(accepted)) and not NO_GZIP.search(accepted)

    async def make(self, kind: str, answer: Answer, *, packed: bool) -> None:
        """Answer with what takes a while to make; of one kind it is the same for everybody."""
        self.set_header("Content-Type", kind)
        if packed:
            self.set_header("Content-Encoding", "gzip")
        workshop: Workshop = self.settings["workshop"]
        stream = cast("HTTP1Connection", self.request.connection).stream
        self._task = asyncio.current_task()
        await workshop.serve((self.request.path, kind, packed), answer, stream, self._send)

    def on_connection_close(self) -> None:
        """Who has gone stands in nobody's way."""
        if self._task:
            self._task.cancel()

    def _send(self, made: Made) -> Awaitable[None]:
        status, body = made
        self.set_status(status)
        return self.finish(body)


class _Missing(_Answer):
    """There is no such path."""


class _Health(_Answer):
    """Whether something is as it should be, and if not, why."""

    def initialize(self, why_not: Callable[[], str | None]) -> None:
        self._why_not = why_not

    async def get(self) -> None:
        why = self._why_not()
        self.set_status(OK if why is None else UNAVAILABLE)
        await self.finish(f"{why or 'ok'}\n")


class _Metrics(_Answer):
    """For Prometheus, in the format that it asks for."""

    async def get(self) -> None:
        write, kind = self.settings["site"].metrics(self.request.headers.get("Accept", ""))
        packed = self.wants_packed()
        self.add_header("Vary", "Accept")
        await self.make(kind, lambda: (OK, _packed(write(), wanted=packed)), packed=packed)


class _Api(_Answer):
    """Something as JSON."""

    def initialize(self, answer: Callable[[], Json]) -> None:
        self._answer = answer

    async def get(self) -> None:
        packed = self.wants_packed()
        await self.make("application/json", lambda: self._json(packed=packed), packed=packed)

    def _json(self, *, packed: bool) -> Made:
        answer = self._answer()
        status = UNAVAILABLE if "error" in answer else OK
        return status, _packed(json_line(answer), wanted=packed)


class _Static(_Answer):
    """A file of the page's."""

    def initialize(self, file: File) -> None:
        self._file = file

    def compute_etag(self) -> str:
        packed = self.get_header("Content-Encoding")
        return f'"{self._file.tag}{"-gzip" if packed else ""}"'

    def get_header(self, name: str) -> str | None:
        return self._headers.get(name)

    async def get(self) -> None:
        self.set_header("Content-Type", self._file.kind)
        self.set_header("Cache-Control", "no-cache")  # it is asked each time whether it is the same
        if self.wants_packed():
            self.set_header("Content-Encoding", "gzip")
            await self.finish(self._file.packed)
        else:
            await self.finish(self._file.plain)


def _packed(body: bytes, *, wanted: bool) -> bytes:
    return gzip.compress(body, PACKING, mtime=0) if wanted else body


def _is_local(host: str) -> bool:
    """Whether no name server had a word in it."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return True


def _words(status: int, paths: str) -> str:
    if status == NOT_FOUND:
        return f"there is nothing here. There is: {paths}"
    if status == NOT_ALLOWED:
        return "all of this is for reading only: GET and HEAD"
    if status == MISDIRECTED:
        return (
            "this is for this machine alone: ask for localhost or an address,"
            " and let a proxy do so, too (Host)"
        )
    if status == UNAVAILABLE:
        return "too many are asking at the moment"
    if status == FAULT:
        return "vxland couldn't make this answer; its journal says why"
    return f"this can't be answered ({status})"
