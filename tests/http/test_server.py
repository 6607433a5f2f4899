"""Where the daemon listens: it moves, ends, and begins again by itself."""

import socket

import pytest

from tests.http.client import ask
from tests.http.site import ANY, Stage, port_of, served
from tests.lab import eventually
from vxland.http import Server
from vxland.http.server import OFF
from vxland.settings import HttpSettings


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_moves_and_ends(stage: Stage) -> None:
    """As the configuration says; nothing stays where it was."""
    port = free_port()
    with served(Stage()) as server:
        first = port_of(server)
        server.listen(HttpSettings(listen=("127.0.0.1", port)))
        assert (server.problem, ask(port).status) == (None, 200)
        with pytest.raises(ConnectionRefusedError):
            ask(first)
        server.listen(OFF)
        assert server.problem is None
        with pytest.raises(ConnectionRefusedError):
            ask(port)
    assert ask(stage.port).status == 200


def test_it_moves_to_all_addresses_of_the_same_port() -> None:
    """The socket from before doesn't stand in its way."""
    port = free_port()
    with served(Stage(), HttpSettings(listen=("127.0.0.1", port))) as server:
        server.listen(HttpSettings(listen=("0.0.0.0", port)))
        assert (server.problem, ask(port, Host="lxd1.example").status) == (None, 200)


def test_all_addresses_are_those_of_both_kinds() -> None:
    """As docs/configuration.md says of [::]."""
    with served(Stage(), HttpSettings(listen=("::", 0))) as server:
        assert ask(port_of(server)).status == 200


@pytest.mark.parametrize(
    ("host", "why", "cure"),
    [
        ("127.0.0.1", "Address already in use", "Stop what holds it (ss -tlnp 'sport = :{}'), or"),
        ("192.0.2.1", "Cannot assign requested address", "See that this machine has that address"),
    ],
)
def test_what_cant_be_had_is_told_and_tried_again(host: str, why: str, cure: str) -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        server = Server(Stage().site())
        for _ in range(2):
            server.listen(HttpSettings(listen=(host, port)))
            assert server.problem
            assert f"no metrics: cannot listen on {host} port {port}: {why}. " in server.problem
            assert cure.format(port) in server.problem
    server.listen(HttpSettings(listen=("127.0.0.1", port)))
    assert server.problem is None
    server.close()


def test_it_begins_again_where_it_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours isn't the end of the metrics."""
    monkeypatch.setattr("vxland.http.faults._known", set())
    with monkeypatch.context() as broken:
        broken.setattr("vxland.http.serve.quieten", lambda: 1 / 0)
        server = Server(Stage().site())
        server.listen(ANY)
        thread = server._thread
        assert thread
        eventually(lambda: not thread.is_alive(), "it ends")
    server.listen(ANY)
    try:
        assert server.problem
        assert server.problem.startswith("metrics had ended, and begin again: ZeroDivisionError")
        server.listen(ANY)
        assert not server.problem
        assert ask(port_of(server)).status == 200
    finally:
        server.close()
    assert [record.getMessage() for record in caplog.records] == ["HTTP couldn't answer"]
    caplog.clear()
