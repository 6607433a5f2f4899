"""Peers from whom nothing comes are told of, and those who may have reasons aren't."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from tests.core.test_report import DEVICE, desired
from tests.fake.wishes import led_to
from vxland.loop.silence import LOOK, MOST, PATIENCE, UNANSWERED, Silence
from vxland.model import Desired
from vxland.problems import Kind, Problem
from vxland.traffic import Reading, Traffic

Readings = dict[tuple[str, str], Reading]

LATER = PATIENCE + 1.0
FIRST = Traffic(receive_packets=7, transmit_packets=10)
MORE = UNANSWERED + 10  # packets sent by then


def seen(traffic: Traffic, *, peer: str = "lxd2", incarnation: int = 5) -> Readings:
    """The one tunnel."""
    return {("lan", peer): Reading(incarnation, traffic)}


def told(looks: Iterable[tuple[float, Readings]]) -> tuple[Problem, ...]:
    """What is said after these looks."""
    silence = Silence()
    for at, devices in looks:
        silence.note(devices, at)
    return silence.problems(desired())


def test_a_peer_that_fell_silent_is_told_of() -> None:
    """It has spoken before; with the commands that tell why it doesn't now."""
    silent = replace(FIRST, transmit_packets=MORE)
    (hint,) = told([(0.0, seen(FIRST)), (LATER, seen(silent))])
    assert (hint.kind, hint.overlay, hint.peer, hint.device) == (Kind.HINT, "lan", "lxd2", DEVICE)
    assert hint.text == "nothing comes from lxd2 (192.0.2.2), though packets go there"
    assert "tcpdump -ni any udp port 4789 and host 192.0.2.2" in hint.cure


@pytest.mark.parametrize(
    ("at", "after"),
    [
        (LATER, seen(replace(FIRST, transmit_packets=MORE, receive_packets=8))),
        (LATER, seen(replace(FIRST, transmit_packets=MORE - 1))),
        (PATIENCE - 1.0, seen(replace(FIRST, transmit_packets=MORE))),
        (LATER, seen(replace(FIRST, transmit_packets=MORE), incarnation=6)),
        (LATER, seen(replace(FIRST, transmit_packets=MORE), peer="lxd9")),
        (LATER, {}),
    ],
    ids=["it spoke", "few went there", "not for long", "made anew", "nobody's", "gone"],
)
def test_a_peer_may_have_reasons(at: float, after: Readings) -> None:
    """None of these is silence."""
    assert told([(0.0, seen(FIRST)), (at, after)]) == ()


def test_a_peer_may_answer_over_the_other_ip_version() -> None:
    """A shared overlay of both: the peer sends to the address that it has of this node."""
    silent = replace(FIRST, transmit_packets=MORE)
    looks = [(0.0, seen(FIRST)), (LATER, seen(silent))]
    silence = Silence()
    for at, tunnels in looks:
        silence.note(tunnels, at)
    (lan,) = desired().overlays
    (vtep,) = lan.vteps
    four = replace(vtep, peer="*")
    six = replace(vtep, peer="*6", remotes=())
    one, both = (replace(lan, shared=True, vteps=vteps) for vteps in ((four,), (four, six)))
    assert [len(silence.problems(Desired("lxd1", (wide,)))) for wide in (one, both)] == [1, 0]


def test_a_peer_that_speaks_again_is_told_of_no_more() -> None:
    """At the next look."""
    silent = replace(FIRST, transmit_packets=MORE)
    spoke = replace(silent, receive_packets=8)
    looks = [(0.0, seen(FIRST)), (LATER, seen(silent)), (LATER + LOOK, seen(spoke))]
    assert len(told(looks[:2])) == 1
    assert told(looks) == ()


def test_looks_are_few() -> None:
    """They read every counter."""
    silence = Silence()
    assert silence.is_due(1.0)
    silence.note({}, 1.0)
    assert not silence.is_due(LOOK)
    assert silence.is_due(1.0 + LOOK)


def test_many_silent_peers_are_summed_up() -> None:
    """Twenty of them, and how many more."""
    (overlay,) = desired().overlays
    (vtep,) = overlay.vteps
    vteps = tuple(led_to(vtep, f"p{n}") for n in range(MOST + 3))
    wide: Desired = replace(desired(), overlays=(replace(overlay, vteps=vteps),))
    silence = Silence()
    for at, sent in ((0.0, 0), (LATER, MORE)):
        traffic = Traffic(transmit_packets=sent)
        tunnels: Readings = {}
        for vtep in vteps:
            tunnels |= seen(traffic, peer=vtep.peer)
        silence.note(tunnels, at)
    problems = silence.problems(wide)
    assert len(problems) == MOST + 1
    assert problems[-1].text == "nothing comes from 3 more peers, though packets go there"
