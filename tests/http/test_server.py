"""Where the daemon listens: it moves, ends, and begins again by itself."""

import asyncio
import socket
import threading

import pytest

from tests.http.client import ask
from tests.http.site import ANY, Stage, port_of, served
from tests.lab import eventually
from vxland.http import Server
from vxland.http.server import OFF
from vxland.http.thread import ServerThread
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


def test_without_a_thread_nothing_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon goes on, says what to do, and tries again after the next turn."""
    port = free_port()
    server = Server(Stage().site())
    with monkeypatch.context() as crowded:
        crowded.setattr("threading._start_new_thread", _refuse, raising=False)
        crowded.setattr("threading._start_joinable_thread", _refuse, raising=False)
        for _ in range(2):
            server.listen(HttpSettings(listen=("127.0.0.1", port)))
            assert server.problem
            assert server.problem.startswith("no metrics: can't start new thread. End what else")
            with pytest.raises(ConnectionRefusedError):
                ask(port)
        server.close()
    server.listen(HttpSettings(listen=("127.0.0.1", port)))
    assert (server.problem, ask(port).status) == (None, 200)
    server.close()


def _refuse(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


def test_a_loop_that_has_just_ended_needs_no_waking() -> None:
    """It is closed a moment before its thread is over."""
    begun, free = threading.Event(), threading.Event()

    class Ending(ServerThread):
        def run(self) -> None:
            loop = asyncio.new_event_loop()
            self.on_stop(lambda: loop.call_soon_threadsafe(free.set))
            loop.close()
            begun.set()
            free.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Ending(Stage().site(), listener, None, loopback=True)
        thread.start()
        assert begun.wait(20)
        threading.Timer(0.1, free.set).start()
        thread.stop()
        assert not thread.is_alive()


def test_it_goes_on_where_memory_was_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same thread, since another one might not be had; who asks meanwhile waits."""
    failures = [MemoryError(), MemoryError()]

    def quieten() -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr("vxland.http.serve.quieten", quieten)
    monkeypatch.setattr("vxland.http.thread.PAUSE", 0.01)
    with served(Stage()) as server:
        assert ask(port_of(server)).status == 200
        assert not failures
        assert server.problem is None


def test_it_begins_again_where_it_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours isn't the end of the metrics."""
    monkeypatch.setattr("vxland.http.faults.FAULTS._known", set())
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
