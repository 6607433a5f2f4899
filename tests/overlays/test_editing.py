"""One overlay is edited: the others' devices aren't touched, and lose no frame."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.daemon.kernel_view import assert_equal, snapshot
from tests.lab import Flow, Listener, Moments, eventually
from tests.overlays.guests import OVERLAYS, Estate, changed, config, estate, without
from vxland.identity import index_device, pair_device

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
    "gone": without("dmz"),
}


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with estate(tmp_path_factory.mktemp("overlays")) as made:
        yield made


def devices(five: Estate) -> list[str]:
    """Of the other overlays, on the first server, with their bridges."""
    names = [part.bridge for part in OVERLAYS.values() if part is not DMZ]
    for name in OTHERS:
        part = OVERLAYS[name]
        for place, number in enumerate(n for n in part.peers if n != 1):
            names.append(
                index_device(place) if name == "old" else pair_device(name, f"lxd{number}")
            )
    assert all(five.server.link(name) for name in names), names
    return names


@pytest.mark.parametrize("edit", EDITS)
def test_the_others_go_on(five: Estate, edit: str) -> None:
    """In both directions: the edit and its undoing."""
    names = devices(five)
    before = snapshot(five.server)
    with ExitStack() as stack:
        moments = stack.enter_context(Moments(five.server))
        flows: list[tuple[str, Flow, Listener]] = []
        for name in OTHERS:
            first, second, *_ = five.guests[name]
            for source, target in ((first, second), (second, first)):
                listener = stack.enter_context(Listener(target))
                flow = stack.enter_context(Flow(source, listener.mac, 200))
                flows.append((f"{source.name} to {target.name}", flow, listener))
        for text in (EDITS[edit], config()):
            for _, flow, _ in flows:
                sent = flow.sent
                eventually(lambda flow=flow, sent=sent: flow.sent > sent + 20, "frames flow")  # type: ignore[misc]
            five.configure(text)
        for name, flow, listener in flows:
            flow.stop()
            eventually(lambda f=flow, at=listener: not f.lost(at), f"{name} loses nothing")  # type: ignore[misc]
        gone = set(moments.gone)
    after = snapshot(five.server)
    assert gone.isdisjoint(names)
    assert {name: after.indexes[name] for name in names} == {
        name: before.indexes[name] for name in names
    }
    five.reached()
    assert_equal(before.of(names), snapshot(five.server).of(names))
