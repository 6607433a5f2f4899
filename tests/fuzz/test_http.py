"""Whatever is sent to the daemon's HTTP: it is answered or hung up on, and the next is served."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.client import ask, rest, wire
from tests.http.site import Stage, served
from tests.profiles import examples

WORDS = (
    *(
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"/",
        b"/metrics",
        b"/api/status",
        b"/%00",
        b"/../",
        b"?a=",
        b"*",
    ),
    *(b" HTTP/1.1\r\n", b" HTTP/9.9\r\n", b"\r\n", b"\n", b"\r\n\r\n", b"Host: localhost\r\n"),
    *(b"Content-Length: -1\r\n", b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(
        b"Connection: close\r\n",
        b"Accept-Encoding: gzip;q=x\r\n",
        b"Range: bytes=-\r\n",
        b"\0",
        b"\xff",
    ),
)
requests = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=8)), max_size=12)


def test_any_request(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is logged as a fault."""
    stage = Stage()
    with served(stage), caplog.at_level(logging.ERROR):

        @examples(60)
        @given(requests)
        def try_one(parts: list[bytes]) -> None:
            with wire(stage.port, b"".join(parts)) as opened:
                opened.shutdown(1)  # there is no more
                rest(opened)
            assert ask(stage.port).status == 200

        try_one()
    assert caplog.records == []
