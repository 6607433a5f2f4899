"""What each path answers."""

import contextlib
import gzip
import http.client
import json
import threading
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from tests.http.client import TIMEOUT, Answer, ask, received, rest, wire
from tests.http.site import Stage, served
from tests.lab import eventually
from vxland.http.files import TYPES

PATHS = ("/", "/metrics", "/healthz", "/readyz", "/api/v1/status", "/api/v1/events")
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
INDEX = (files("vxland") / "page" / "index.html").read_text()
INLINE = INDEX.partition("<script>")[2].partition("</script>")[0]  # the only one
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'"
    f" 'sha256-{b64encode(sha256(INLINE.encode()).digest()).decode()}'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
UNWANTED = ("Server", "Access-Control-Allow-Origin", "Set-Cookie")


def secured(answer: Answer) -> bool:
    """Whether it has the headers that all have."""
    assert not [name for name in UNWANTED if name in answer.headers]
    return {name: answer.headers[name] for name in SECURITY} == SECURITY


@pytest.mark.parametrize("path", PATHS)
def test_what_there_is_is_answered(stage: Stage, path: str) -> None:
    """With the headers that all have."""
    answer = ask(stage.port, path)
    assert (answer.status, secured(answer)) == (200, True)


@pytest.mark.parametrize("path", PATHS)
def test_head_is_as_get_without_the_body(stage: Stage, path: str) -> None:
    """With the same length."""
    whole, head = ask(stage.port, path), ask(stage.port, path, "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (
        whole.status,
        b"",
        str(len(whole.body)),
    )


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_nothing_can_be_written(stage: Stage, path: str, method: str) -> None:
    """Whatever the method."""
    answer = ask(stage.port, path, method)
    assert (answer.status, answer.headers["Allow"], secured(answer)) == (405, "GET, HEAD", True)


@pytest.mark.parametrize(
    "path", ["/nothing", "/metrics/", "//", "/../etc/passwd", "/%2e%2e/index.html", "/__init__.py"]
)
def test_what_there_is_not_is_told_with_what_there_is(stage: Stage, path: str) -> None:
    """In plain text."""
    answer = ask(stage.port, path)
    assert (answer.status, secured(answer)) == (404, True)
    assert set(PATHS) <= set(answer.text.split())
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_health_says_why_not(stage: Stage) -> None:
    """200 and ok, or 503 and the reason."""
    assert [(a.status, a.text) for a in (ask(stage.port), ask(stage.port, "/readyz"))] == [
        (200, "ok\n")
    ] * 2
    stage.why_dead, stage.why_unready = "it hangs", "one\ntwo"
    dead, unready = ask(stage.port), ask(stage.port, "/readyz")
    assert (dead.status, dead.text) == (503, "it hangs\n")
    assert (unready.status, unready.text) == (503, "one\ntwo\n")
    assert unready.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip;q=0", False),
        ("br, GZIP ; Q=0.000, deflate", False),
        ("gzip;q=0.001", True),
        ("br;q=0, gzip", True),
        ("x-gzip;q=0, gzip", True),
    ],
)
def test_gzip_can_be_refused(stage: Stage, accepted: str, *, packed: bool) -> None:
    """By a weight of nought."""
    for path in ("/metrics", "/api/v1/status", "/"):
        answer = ask(stage.port, path, Accept_Encoding=accepted)
        assert (answer.headers["Content-Encoding"] == "gzip") is packed


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/events"])
def test_the_api_is_json_and_kept_nowhere(stage: Stage, path: str) -> None:
    """And an error is 503."""
    stage.status = stage.events = lambda: {"ü": [1, None]}
    answer = ask(stage.port, path)
    assert (answer.status, json.loads(answer.body)) == (200, {"ü": [1, None]})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    stage.status = stage.events = lambda: {"error": "not yet"}
    answer = ask(stage.port, path)
    assert (answer.status, json.loads(answer.body)) == (503, {"error": "not yet"})


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/api/v1/events"])
def test_gzip_is_for_those_who_ask(stage: Stage, path: str) -> None:
    """And caches are told."""
    plain, packed = ask(stage.port, path), ask(stage.port, path, Accept_Encoding="br, gzip;q=1")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    for answer in (plain, packed):
        assert "Accept-Encoding" in ", ".join(answer.headers.get_all("Vary", []))


def test_metrics_are_text_or_open_metrics(stage: Stage) -> None:
    """As they are asked for."""
    answer = ask(stage.port, "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert [family.name for family in text_string_to_metric_families(answer.text)] == [
        "vxland_test"
    ]
    answer = ask(stage.port, "/metrics", Accept=f"{OPEN_METRICS},text/plain;q=0.1")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    parsed = open_metrics_families(answer.text)  # type: ignore[no-untyped-call]
    assert [family.name for family in parsed] == ["vxland_test"]


@pytest.mark.parametrize(
    "accept",
    [
        *("", ";", "a/b;" * 99, "\xff", "=;=,;", "application/openmetrics-text"),
        *(f"application/openmetrics-text; version={v}" for v in ("x", "99.0", "0.0.1", "9" * 5000)),
        *(f"text/plain; version=1.0.0; escaping={e}" for e in ("x", "values", "allow-utf-8")),
    ],
)
def test_metrics_are_given_whatever_is_asked_for(stage: Stage, accept: str) -> None:
    """Nobody makes a fault of ours."""
    answer = ask(stage.port, "/metrics", Accept=accept)
    assert (answer.status, b"vxland_test 1.0" in answer.body) == (200, True)


def test_a_fault_of_ours_is_logged_once(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of it is told to clients."""
    monkeypatch.setattr("vxland.http.faults.FAULTS._known", set())
    stage.status = lambda: {"x": 1 / 0}
    for _ in range(3):
        answer = ask(stage.port, "/api/v1/status")
        assert (answer.status, secured(answer), "ZeroDivision" in answer.text) == (500, True, False)
    assert [record.getMessage() for record in caplog.records] == ["HTTP couldn't answer"]
    caplog.clear()


def test_health_is_answered_while_something_is_made(stage: Stage) -> None:
    """What takes long is made elsewhere."""
    free, begun = threading.Event(), threading.Event()

    def slow() -> dict[str, object]:
        begun.set()
        free.wait(2 * TIMEOUT)
        return {}

    stage.status = slow
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=TIMEOUT)
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/status")
        assert begun.wait(TIMEOUT)
        assert ask(stage.port).status == 200
        free.set()
        assert received(connection).status == 200


def test_the_page_is_exactly_its_files(stage: Stage) -> None:
    """Each with its type, and asked for again by its tag."""
    names = [entry.name for entry in files("vxland.page").iterdir()]
    assert "index.html" in names
    for name in names:
        suffix = name[name.rfind(".") :]
        path = "/" if name == "index.html" else f"/{name}"
        answer = ask(stage.port, path)
        if suffix not in TYPES:
            assert answer.status == 404
            continue
        assert answer.body == (files("vxland.page") / name).read_bytes()
        assert answer.headers["Content-Type"] == TYPES[suffix]
        assert answer.headers["Cache-Control"] == "no-cache"
        same = ask(stage.port, path, If_None_Match=answer.headers["ETag"])
        assert (same.status, same.body) == (304, b"")
        assert ask(stage.port, path, If_None_Match='"another"').status == 200
        packed = ask(stage.port, path, Accept_Encoding="gzip")
        assert packed.headers["ETag"] != answer.headers["ETag"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9788", 200),
        ("localhost", 200),
        ("[::1]:1", 200),
        ("192.0.2.1", 200),
        ("evil.example", 421),
        ("evil.example:9788", 421),
        ("localhost.evil.example", 421),
    ],
)
def test_on_loopback_no_other_name_is_answered(stage: Stage, host: str, status: int) -> None:
    """DNS rebinding: a page elsewhere whose name leads here would be let in by the browser."""
    for path in ("/", "/api/v1/status", "/metrics"):
        assert ask(stage.port, path, Host=host).status == status


def test_a_connection_is_used_again(stage: Stage) -> None:
    """As Prometheus does."""
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=TIMEOUT)
    with contextlib.closing(connection):
        for path in ("/metrics", "/nothing", "/healthz"):
            connection.request("GET", path)
            used = connection.sock
            received(connection)
            assert connection.sock is used


def test_questions_on_the_heels_of_others_are_answered_in_their_order(stage: Stage) -> None:
    """Pipelining (RFC 9112, section 9.3.2)."""
    paths = ("/healthz", "/api/v1/status", "/nothing", "/metrics")
    asked = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n" for path in paths]
    sent = "\r\n".join([*asked[:-1], f"{asked[-1]}Connection: close\r\n\r\n"])
    with wire(stage.port, sent.encode()) as opened:
        got = rest(opened)
    places = [
        got.find(part) for part in (b"\r\n\r\nok", b'{"in_sync"', b"404 Not", b"vxland_test 1")
    ]
    assert -1 not in places
    assert places == sorted(places)


def test_nothing_is_open_once_it_is_closed() -> None:
    """Neither a thread nor a socket is left."""
    stage = Stage()
    with served(stage) as server, wire(stage.port) as opened:
        assert ask(stage.port, "/metrics").status == 200
        server.close()
        assert rest(opened) == b""
    with pytest.raises(ConnectionRefusedError):
        ask(stage.port)
    eventually(
        lambda: not [t.name for t in threading.enumerate() if t.name.startswith("vxland-http")],
        "its threads end",
    )
