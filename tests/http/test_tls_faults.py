"""TLS with clients that stall or ask for what they shouldn't, and files in disorder."""

import contextlib
import os
import pwd
import ssl
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.http.client import ask, rest, wire
from tests.http.recipe import Recipe
from tests.http.site import Stage, served
from tests.http.test_bounds import ASK, ASK_STATUS, BIG, SHORT
from vxland.http import Server, connections

MANY = 100
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
OK = b"HTTP/1.1 200"


@contextlib.contextmanager
def secured(
    recipe: Recipe, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
) -> Iterator[ssl.SSLSocket]:
    """A connection, its handshake done."""
    context = context or recipe.client()
    with (
        wire(recipe.port) as opened,
        context.wrap_socket(opened, server_hostname="127.0.0.1", session=session) as made,
    ):
        yield made


def remaining(one: ssl.SSLSocket) -> bytes:
    """All that still comes until it is ended, without TLS's own goodbye."""
    got = b""
    with contextlib.suppress(ssl.SSLError, ConnectionResetError):
        while part := one.recv(1 << 16):
            got += part
    return got


@pytest.mark.parametrize("version", VERSIONS)
def test_who_never_reads_is_cut(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion
) -> None:
    """As without TLS; others are answered meanwhile."""
    monkeypatch.setattr(connections, "ANSWER", SHORT)
    context = recipe.client()
    context.maximum_version = version
    stage = Stage(status=lambda: {"x": "x" * BIG})
    with served(stage, recipe.anywhere()):
        recipe.port = stage.port
        with secured(recipe, context) as one:
            one.sendall(ASK_STATUS)
            time.sleep(4 * SHORT)
            assert ask(recipe.port, tls=recipe.client()).status == 200
            assert len(remaining(one)) < BIG


@pytest.mark.usefixtures("server")
def test_all_that_came_at_once_is_answered(recipe: Recipe) -> None:
    """OpenSSL may hold what the socket has no more, so that nobody tells of it."""
    last = ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with secured(recipe) as one:
        one.sendall(ASK * (MANY - 1) + last)
        assert rest(one).count(OK) == MANY


@pytest.mark.usefixtures("server")
def test_headers_longer_than_what_is_read_at_a_time(recipe: Recipe) -> None:
    """They come in one record of TLS, of which the rest isn't told of either."""
    long = "x" * (connections.LONGEST_HEADERS - 1000)
    assert ask(recipe.port, tls=recipe.client(), X=long).status == 200


@pytest.mark.usefixtures("server")
def test_nothing_is_negotiated_anew(recipe: Recipe) -> None:
    """It would cost the server far more than the client (TLS 1.2 alone has it)."""
    words = f"openssl s_client -tls1_2 -connect 127.0.0.1:{recipe.port} -CAfile {recipe.ca}/ca.pem"
    keys = f"-cert {recipe.ca}/prometheus.pem -key {recipe.ca}/prometheus.key"
    done = subprocess.run(
        [*words.split(), *keys.split()],
        input="R\n",  # s_client's own command (openssl-s_client(1))
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert "no renegotiation" in done.stderr
    assert ask(recipe.port, tls=recipe.client()).status == 200


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_resumed(recipe: Recipe, version: ssl.TLSVersion) -> None:
    """Where clients show certificates, too: browsers and proxies do so."""
    context = recipe.client()
    context.maximum_version = version
    with secured(recipe, context) as one:
        one.sendall(ASK)
        assert one.recv(1 << 16).startswith(OK)
        session = one.session
    with secured(recipe, context, session) as one:
        one.sendall(ASK)
        assert one.recv(1 << 16).startswith(OK)
        assert one.session_reused


def test_a_session_from_before_another_authority_isnt(recipe: Recipe, server: Server) -> None:
    """It is worth no more than the certificate that it was given for."""
    context = recipe.client()
    with secured(recipe, context) as one:
        one.sendall(ASK)
        assert one.recv(1 << 16).startswith(OK)
        session = one.session
    recipe.tls("clients.pem").write_bytes((recipe.ca / "lxd1.pem").read_bytes())
    server.listen(recipe.anywhere())
    assert server.problem is None
    with contextlib.suppress(ssl.SSLError, OSError), secured(recipe, context, session) as one:
        one.sendall(ASK)
        assert remaining(one) == b""


def test_files_are_renewed_while_a_handshake_lasts(recipe: Recipe, server: Server) -> None:
    """It goes on with those that it began with, or the new ones."""
    with wire(recipe.port) as opened:
        recipe.renew()
        server.listen(recipe.anywhere())
        with recipe.client().wrap_socket(opened, server_hostname="127.0.0.1") as one:
            one.sendall(ASK)
            assert one.recv(1 << 16).startswith(OK)
    assert server.problem is None


def test_one_file_comes_after_the_other(recipe: Recipe, server: Server) -> None:
    """Between the two they don't fit: those from before stay in use, and nobody is refused."""
    key = recipe.tls("server.key")
    before = key.read_bytes()
    recipe.renew()
    after = key.read_bytes()
    key.write_bytes(before)
    server.listen(recipe.anywhere())
    assert "key values mismatch" in str(server.problem)
    assert ask(recipe.port, tls=recipe.client()).status == 200
    key.write_bytes(after)
    server.listen(recipe.anywhere())
    assert server.problem is None
    assert ask(recipe.port, tls=recipe.client()).status == 200


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """With nobody's rights: root can read everything."""
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.kernel
def test_a_key_that_cant_be_read_any_more(among_all: Recipe) -> None:
    """It says so, with what to type; the last good one stays in use until that is done."""
    key = among_all.tls("server.key")
    settings = among_all.anywhere()
    stage = Stage()
    with served(stage, settings) as server:
        key.chmod(0o600)
        for _ in range(2):
            with as_nobody():
                server.listen(settings)
            assert server.problem == (
                f"the last good certificate stays in use: {key} (tls_key in [http]) can't be read:"
                " Permission denied. Let the service read it:"
                f" chgrp vxland {key} && chmod 640 {key}"
            )
            assert ask(stage.port, tls=among_all.client()).status == 200
        key.chmod(0o640)
        server.listen(settings)
        assert server.problem is None
