"""One overlay is edited: the others' devices aren't touched, and lose no frame."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.daemon.kernel_view import assert_equal, snapshot
from tests.lab import Flow, Listener, Moments, eventually
from tests.overlays.guests import OVERLAYS, Estate, changed, config, estate, without
from vxland.identity import index_device, pair_device, shared_device

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

DMZ = OVERLAYS["dmz"]
OTHERS = [name for name in OVERLAYS if name != DMZ.name]
EDITS = {
    "port": changed("dmz", keys='port = 4795\nguard = ["isolated"]'),
    "another overlay's port": changed("dmz", keys='port = 8472\nguard = ["isolated"]'),
    "guard": changed("dmz", keys='guard = ["isolated", "ebtables", "nftables"]'),
    "another guard": changed("dmz", keys='guard = ["nftables"]'),
    "bridge": changed("dmz", bridge="vxdmz2"),
    "peers": changed("dmz", peers=(1, 3)),
    "scheme": changed("dmz", keys='vnis = { "lxd1 lxd2" = 77 }\nguard = ["isolated"]'),
    "mode": changed("dmz", keys='mode = "shared"\nvni = 5001\nguard = ["isolated"]'),
    "gone": without("dmz"),
}


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with estate(tmp_path_factory.mktemp("overlays")) as made:
        yield made


def devices(six: Estate) -> list[str]:
    """Of the other overlays, on the first server, with their bridges."""
    names = [part.bridge for part in OVERLAYS.values() if part is not DMZ]
    for name in OTHERS:
        others = [number for number in OVERLAYS[name].peers if number != 1]
        if name == "bulk":
            names.append(shared_device(name, 4))
        elif name == "old":
            names += map(index_device, range(len(others)))
        else:
            names += [pair_device(name, f"lxd{number}") for number in others]
    assert all(six.server.link(name) for name in names), names
    return names


@pytest.mark.parametrize("edit", EDITS)
def test_the_others_go_on(six: Estate, edit: str) -> None:
    """In both directions: the edit and its undoing."""
    names = devices(six)
    before = snapshot(six.server)
    with ExitStack() as stack:
        moments = stack.enter_context(Moments(six.server))
        flows: list[tuple[str, Flow, Listener]] = []
        for name in OTHERS:
            first, second, *_ = six.guests[name]
            for source, target in ((first, second), (second, first)):
                listener = stack.enter_context(Listener(target))
                flow = stack.enter_context(Flow(source, listener.mac, 200))
                flows.append((f"{source.name} to {target.name}", flow, listener))
        for text in (EDITS[edit], config()):
            for _, flow, _ in flows:
                sent = flow.sent
                eventually(lambda flow=flow, sent=sent: flow.sent > sent + 20, "frames flow")  # type: ignore[misc]
            six.configure(text)
        for name, flow, listener in flows:
            flow.stop()
            eventually(lambda f=flow, at=listener: not f.lost(at), f"{name} loses nothing")  # type: ignore[misc]
        gone = set(moments.gone)
    after = snapshot(six.server)
    assert gone.isdisjoint(names)
    assert {name: after.indexes[name] for name in names} == {
        name: before.indexes[name] for name in names
    }
    six.reached()
    assert_equal(before.of(names), snapshot(six.server).of(names))
