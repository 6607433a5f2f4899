"""Certificates: those of the server and of its clients, by the recipe in docs/http.md."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from tests.http.client import ask, rest, wire
from tests.http.recipe import Recipe
from tests.http.site import Stage, port_of, served
from vxland.cli import main
from vxland.http import Server, connections

SHORT = 0.3  # seconds
OLD = ("openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect")


def shown(recipe: Recipe) -> str:
    """Which certificate the server shows: its number."""
    with (
        wire(recipe.port) as opened,
        recipe.client().wrap_socket(opened, server_hostname="127.0.0.1") as secured,
    ):
        certificate = secured.getpeercert()
    assert certificate
    return str(certificate["serialNumber"])


@pytest.mark.usefixtures("server")
def test_the_recipe_works(recipe: Recipe) -> None:
    """What it ends with is answered."""
    assert recipe.type(recipe.commands[4]) == "ok\n"
    assert len(recipe.commands) == 5


@pytest.mark.usefixtures("server")
def test_with_tls_there_is_nothing_without(recipe: Recipe) -> None:
    """Who speaks HTTP learns nothing."""
    with wire(recipe.port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n") as opened:
        assert b"HTTP" not in rest(opened)
    assert ask(recipe.port, "/metrics", tls=recipe.client()).status == 200


def stranger(recipe: Recipe) -> ssl.SSLContext:
    """One whose certificate another authority has signed."""
    other = Recipe(recipe.folder / "other")
    other.folder.mkdir()
    other.make()
    context = recipe.client(None)
    context.load_cert_chain(other.ca / "prometheus.pem", other.ca / "prometheus.key")
    return context


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "who",
    [
        pytest.param(lambda recipe: recipe.client(None), id="without"),
        pytest.param(stranger, id="another authority's"),
        pytest.param(lambda recipe: recipe.client("lxd1"), id="a server's"),
    ],
)
def test_clients_need_a_certificate_of_the_authority(
    recipe: Recipe,
    version: ssl.TLSVersion,
    who: Callable[[Recipe], ssl.SSLContext],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Others get no answer, and no line in the journal."""
    context = who(recipe)
    context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(recipe.port, tls=context)
    assert caplog.records == []
    assert ask(recipe.port, tls=recipe.client()).status == 200


def test_without_an_authority_no_client_needs_one(recipe: Recipe) -> None:
    """TLS alone."""
    stage = Stage()
    with served(stage, replace(recipe.anywhere(), tls_client_ca=None)):
        assert ask(stage.port, tls=recipe.client(None)).status == 200


@pytest.mark.usefixtures("server")
def test_old_tls_is_refused(recipe: Recipe) -> None:
    """1.2 at least."""
    done = subprocess.run(
        [*OLD, f"127.0.0.1:{recipe.port}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert "alert protocol version" in done.stderr


def test_renewed_certificates_are_taken_up(recipe: Recipe, server: Server) -> None:
    """After the next turn, by new handshakes; what is open stays."""
    before = shown(recipe)
    with (
        wire(recipe.port) as opened,
        recipe.client().wrap_socket(opened, server_hostname="127.0.0.1") as secured,
    ):
        recipe.renew()
        server.listen(recipe.anywhere())
        assert server.problem is None
        secured.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert secured.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert shown(recipe) != before
    assert port_of(server) == recipe.port


def test_another_authority_is_taken_up(recipe: Recipe, server: Server) -> None:
    """And who was let in before isn't any more."""
    welcome = stranger(recipe)
    shutil.copy(recipe.folder / "other" / "vxland-ca" / "ca.pem", recipe.tls("clients.pem"))
    server.listen(recipe.anywhere())
    assert ask(recipe.port, tls=welcome).status == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(recipe.port, tls=recipe.client())


def another_key(recipe: Recipe) -> None:
    key = recipe.ca / "prometheus.key"
    recipe.tls("server.key").write_bytes(key.read_bytes())


def passphrase(recipe: Recipe) -> None:
    words = f"openssl pkey -in {recipe.ca}/lxd1.key -aes256 -passout pass:x"
    subprocess.run([*words.split(), "-out", str(recipe.tls("server.key"))], check=True)


def fifo(recipe: Recipe) -> None:
    recipe.tls("server.pem").unlink()
    os.mkfifo(recipe.tls("server.pem"))


@dataclass(frozen=True)
class Spoilt:
    """What is wrong with the files, and what is said of it: {} is their folder."""

    spoil: Callable[[Recipe], object]
    file: str
    why: str  # what isn't OpenSSL's own
    cure: str

    def told(self, recipe: Recipe, text: str | None) -> bool:
        """Whether all of that is in the text."""
        parts = (self.file, self.why, self.cure)
        return text is not None and all(
            part.format(recipe.tls("").as_posix()) in text for part in parts
        )


def mend(recipe: Recipe) -> None:
    """As it was before."""
    shutil.rmtree(recipe.tls(""))
    shutil.copytree(recipe.folder / "good", recipe.tls(""))


GONE = "can't be read: No such file or directory. "
SPOILT = {
    "no certificate": Spoilt(
        lambda recipe: recipe.tls("server.pem").unlink(),
        "{}/server.pem (tls_cert in [http])",
        GONE,
        "Put it there, or change tls_cert",
    ),
    "no key": Spoilt(
        lambda recipe: recipe.tls("server.key").unlink(),
        "{}/server.key (tls_key in [http])",
        GONE,
        "Put it there, or change tls_key",
    ),
    "no authority": Spoilt(
        lambda recipe: recipe.tls("clients.pem").unlink(),
        "{}/clients.pem (tls_client_ca in [http])",
        GONE,
        "Put it there, or change tls_client_ca",
    ),
    "a FIFO": Spoilt(
        fifo,
        "{}/server.pem (tls_cert in [http])",
        "is no file",
        "Put one there, or change tls_cert",
    ),
    "no PEM": Spoilt(
        lambda recipe: recipe.tls("server.pem").write_text("hello\n"),
        "{}/server.pem (tls_cert in [http])",
        "can't be used with {}/server.key (tls_key): ",
        "Put a certificate and its own key there, both as PEM",
    ),
    "no PEM of the authority": Spoilt(
        lambda recipe: recipe.tls("clients.pem").write_text("hello\n"),
        "{}/clients.pem (tls_client_ca in [http])",
        "can't be used: ",
        "Put the certificate there that signed the clients', as PEM",
    ),
    "another's key": Spoilt(
        another_key,
        "{}/server.pem (tls_cert in [http])",
        "can't be used with {}/server.key (tls_key): key values mismatch",
        "Put a certificate and its own key there, both as PEM",
    ),
    "a passphrase": Spoilt(
        passphrase,
        "{}/server.key (tls_key in [http])",
        "has a passphrase, and nobody is there to type it",
        "Write it without one: openssl pkey -in {}/server.key",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_without_its_certificates_there_is_no_http(recipe: Recipe, name: str) -> None:
    """It says which file, why, and what to do; and begins once that is done."""
    spoilt = SPOILT[name]
    wanted = recipe.anywhere()
    shutil.copytree(recipe.tls(""), recipe.folder / "good")
    spoilt.spoil(recipe)
    server = Server(Stage().site())
    for _ in range(2):
        server.listen(wanted)
        assert spoilt.told(recipe, server.problem), server.problem
        assert server._thread is None
    mend(recipe)
    server.listen(wanted)
    try:
        assert server.problem is None
        assert ask(port_of(server), tls=recipe.client()).status == 200
    finally:
        server.close()


@pytest.mark.parametrize("name", SPOILT)
def test_a_renewal_that_cant_be_used_isnt(recipe: Recipe, server: Server, name: str) -> None:
    """The last good one stays in use, and that is said until it is mended."""
    spoilt = SPOILT[name]
    before = shown(recipe)
    wanted = recipe.anywhere()
    shutil.copytree(recipe.tls(""), recipe.folder / "good")
    spoilt.spoil(recipe)
    for _ in range(2):
        server.listen(wanted)
        assert spoilt.told(recipe, server.problem), server.problem
        assert str(server.problem).startswith("the last good certificate stays in use: ")
        assert shown(recipe) == before
    mend(recipe)
    server.listen(wanted)
    assert server.problem is None


@pytest.mark.parametrize("name", SPOILT)
def test_check_tells_the_same(
    recipe: Recipe, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a warning: another server may have the files."""
    recipe.settings()
    spoilt = SPOILT[name]
    spoilt.spoil(recipe)
    assert main(["check", str(recipe.folder / "vxland.toml")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith("warning: ") and spoilt.told(recipe, line)]


def told_by_check(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Its warnings about files."""
    assert main(["check", str(recipe.folder / "vxland.toml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line.removeprefix("warning: ") for line in lines if str(recipe.tls("")) in line]


def hidden_folder(recipe: Recipe) -> None:
    recipe.tls("").chmod(0o750)


UNREADABLE: dict[str, tuple[Callable[[Recipe], object], list[str]]] = {
    "nothing": (lambda recipe: recipe, []),
    "another's group": (lambda recipe: os.chown(recipe.tls("server.key"), 0, 0), ["server.key"]),
    "the mode": (lambda recipe: recipe.tls("clients.pem").chmod(0o600), ["clients.pem"]),
    "a folder": (hidden_folder, ["server.pem", "server.key", "clients.pem"]),
}


@pytest.mark.kernel
@pytest.mark.parametrize("name", UNREADABLE)
def test_check_sees_with_the_services_eyes(
    among_all: Recipe, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root can read everything, and the service can't."""
    spoil, files = UNREADABLE[name]
    spoil(among_all)
    told = told_by_check(among_all, capsys)
    assert len(told) == len(files)
    for line, file in zip(told, files, strict=True):
        path = among_all.tls(file)
        assert line.startswith(f"{path} (tls_")
        assert "can't be read by the user nobody. " in line
        assert f"chgrp nobody {path} && chmod 640 {path}" in line


@pytest.mark.kernel
def test_check_needs_no_service_here(
    among_all: Recipe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file may be checked anywhere."""
    monkeypatch.setattr("vxland.commands.check.SERVICE", "no-such-user")
    hidden_folder(among_all)
    assert told_by_check(among_all, capsys) == []


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x40\x00" + b"\0" * 4000])
def test_a_handshake_takes_a_while_at_most(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """As long as all that comes before the first question."""
    monkeypatch.setattr(connections, "ASKING", SHORT)
    with wire(recipe.port, sent) as opened:
        rest(opened)
    assert ask(recipe.port, tls=recipe.client()).status == 200


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("sent", [b"hello\r\n\r\n", b"\0" * 4096])
def test_garbage_ends_the_handshake(
    recipe: Recipe, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a word in the journal."""
    with wire(recipe.port, sent) as opened:
        rest(opened)
    assert caplog.records == []


@pytest.mark.usefixtures("server")
def test_unfinished_handshakes_make_room(recipe: Recipe) -> None:
    """As all who are idle."""
    with ExitStack() as stack:
        for _ in range(connections.MOST):
            stack.enter_context(wire(recipe.port, b"\x16\x03\x01"))
        assert ask(recipe.port, tls=recipe.client()).status == 200
