"""From VNIs by index to VNIs by pair, and back, while a thousand frames a second pass each way."""

from collections.abc import Iterator, Sequence

import pytest

from tests.doctor.patient import examined
from tests.lab import Server, Site, eventually
from tests.onward.crossing import (
    BROADCASTS,
    HEARS_INDEX,
    HEARS_PAIR,
    INDEX,
    PAIR,
    RATE,
    STAGES,
    Traffic,
    file,
    indexes,
    taken,
)
from tests.shared.segment import once, repairs, rows
from vxland.diagnosis import FindingJson

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

AGAIN = 3  # runs of a step, where the machine was too busy to tell


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers with VNIs by index, and a container behind each."""
    with Site(tmp_path_factory.mktemp("onward"), 3) as made:
        made.start(file(INDEX))
        made.add_containers()
        yield made


def step(site: Site, before: str, vni: str, order: Sequence[int], *, silent: bool = False) -> None:
    """Every server takes a step, and no guest notices.

    ``silent``: there are no broadcasts, and one guest only listens.
    """
    made, traffic = _taken(site, before, vni, order, silent=silent)
    for _ in range(AGAIN if traffic.dropped else 0):
        made, traffic = _taken(site, before, vni, order, silent=silent)
        if not traffic.dropped:
            break
    now = [indexes(server) for server in site.servers]
    for there, here in zip(made, now, strict=True):
        same = there.keys() & here.keys()
        assert {name: there[name] for name in same} == {name: here[name] for name in same}
        assert same
    assert traffic.sent > RATE
    # What the machine itself drops is a frame to one guest, or a broadcast to two.
    assert traffic.lost + traffic.unheard <= 2 * traffic.dropped
    # Two ports can't be turned in one instant: what is sent right then may come twice.
    assert traffic.copied < BROADCASTS // 2


def _taken(
    site: Site, before: str, vni: str, order: Sequence[int], *, silent: bool
) -> tuple[list[dict[str, int]], Traffic]:
    for server in site.servers:
        server.configure(file(before))
    site.all_reach()
    made = [indexes(server) for server in site.servers]
    guests = site.containers
    traffic = Traffic(guests, guests[:1], 0) if silent else Traffic(guests)
    with traffic:
        for _ in taken(site, vni, order):
            pass
    return made, traffic


ORDERS = ((0, 1, 2), (2, 0, 1), (1, 2, 0))
FORTH = list(zip(STAGES, STAGES[1:], ORDERS, strict=False))
BACK = [(PAIR, HEARS_INDEX, (2, 1, 0)), (HEARS_INDEX, HEARS_PAIR, (0, 2, 1))]


@pytest.mark.parametrize(("before", "vni", "order"), [*FORTH, *BACK])
def test_no_step_loses_a_frame(site: Site, before: str, vni: str, order: Sequence[int]) -> None:
    step(site, before, vni, order)
    one, two, three = site.containers
    once(one, two, three)
    once(three, one, two)
    devices = {PAIR: 2, INDEX: 2}.get(vni, 4)
    for server in site.servers:
        assert len(indexes(server)) == devices
        row = next(iter(rows(server).values()))
        assert row["device"].startswith("vxl-" if vni in (PAIR, HEARS_INDEX) else "vxlan")
        assert len(rows(server)) == 2


def test_the_last_step_loses_nothing_to_guests_that_say_nothing(site: Site) -> None:
    """What was learned behind a device that goes would be sent there until it is learned anew."""
    for server in site.servers:  # all have spoken to all by index
        server.configure(file(HEARS_PAIR))
    site.all_reach()
    step(site, HEARS_INDEX, PAIR, (1, 0, 2), silent=True)


def test_the_plain_way_would_be_noticed(site: Site) -> None:
    for server in site.servers:
        server.configure(file(INDEX))
    site.all_reach()
    with Traffic(site.containers) as traffic:
        for _ in taken(site, PAIR, (0, 1, 2)):
            pass
    assert traffic.lost > max(RATE // 10, 2 * traffic.dropped)


def test_in_the_middle_all_is_well(site: Site) -> None:
    """Servers that speak differently reach each other, and broadcasts come once."""
    first, second, third = site.servers
    for server in (first, second, third):
        server.configure(file(HEARS_PAIR))
    second.configure(file(HEARS_INDEX))
    site.all_reach()
    one, two, three = site.containers
    once(one, two, three)
    once(two, one, three)
    told: list[FindingJson] = []

    def well() -> bool:
        told[:] = [f for f in examined(first)["findings"] if f["check"] in ("tunnel", "vni")]
        early = any("too early to hear them no more" in finding["text"] for finding in told)
        return early and {finding["state"] for finding in told} == {"ok"}

    eventually(well, lambda: f"all tunnels work; the doctor has {told}", patience=60)


def test_guards_that_go_by_name_keep_both_kinds_apart(site: Site) -> None:
    """Without the isolated flag the chain's one rule is for the beginning of both kinds' names."""
    for vni in (HEARS_PAIR, HEARS_INDEX, PAIR, INDEX):
        for server in site.servers:
            server.configure(file(vni).replace("vni", 'guard = ["ebtables"]\nvni'))
        rules = site.servers[0].sh("ebtables-save")
        both = "-A VXLAND -i vxl+ -o vxl+ -j DROP"
        assert (both in rules) == (vni in (HEARS_PAIR, HEARS_INDEX))
        site.all_reach()
        one, two, three = site.containers
        once(one, two, three)
        for server in site.servers:
            (overlay,) = server.status()["overlays"]
            assert overlay["looping_pairs"] == 0


def test_what_somebody_does_to_a_quiet_port_is_put_right(site: Site) -> None:
    server = site.servers[0]
    server.configure(file(HEARS_INDEX))
    server.sh("bridge link set dev vxlan0 flood on learning on bcast_flood on mcast_flood on")
    eventually(lambda: not _floods(server.json("ip -j -d link show vxlan0")), "quiet again")
    eventually(
        lambda: ("lxd2", "port flag learning changed") in _found(server),
        lambda: f"the repair is told; told is {repairs(server)}",
    )


def _found(server: Server) -> set[tuple[str, str]]:
    return {(peer, what) for peer, found in repairs(server) for what in found.split(", ")}


def _floods(shown: list[dict[str, dict[str, dict[str, bool]]]]) -> bool:
    port = shown[0]["linkinfo"]["info_slave_data"]
    return any(port[flag] for flag in ("flood", "bcast_flood", "mcast_flood", "learning"))
