"""The doctor's findings as they are printed: the worst first, and peers that are alike together."""

from typing import Any, cast

from vxland.commands.findings import lines
from vxland.diagnosis import DiagnosisJson

FINE = {"overlay": "lan", "device": "", "text": "works", "cure": "", "state": "ok"}


def finding(check: str, peer: str = "", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    """A line about a peer."""
    return {"check": check, "peer": peer, **FINE, **changes}


def shown(*findings: dict[str, Any], **counts: int) -> list[str]:
    """What is printed of them."""
    told = {
        "node": "lxd1",
        "counts": dict.fromkeys(("problem", "warning", "unknown", "ok"), 0) | counts,
        "seconds": 2.0,
        "findings": list(findings),
    }
    return [line.plain for line in lines(cast("DiagnosisJson", told))]


def test_a_large_mesh_that_is_well_is_a_few_lines() -> None:
    """However many peers there are; the machine comes before the overlays."""
    peers = [finding("tunnel", f"p{n}") for n in range(1000)]
    assert shown(*peers, finding("daemon", overlay="", text="it runs")) == [
        "lxd1: all is well (it took 2 s)",
        "",
        "this machine",
        "  ok       daemon     it runs",
        "",
        "overlay lan",
        "  ok       tunnel     p0, p1, p2 and 997 more: works",
    ]


def test_what_is_wrong_comes_first_with_its_cure() -> None:
    """A line for each way to mend it; peers with another cure are apart."""
    bad = {"state": "problem", "text": "hangs"}
    seen = shown(
        finding("path", "a"),
        finding("path", "b", state="unknown"),
        finding("path", "c", state="warning"),
        finding("tunnel", "c", cure="Do this. Or that", **bad),
        finding("tunnel", "d", cure="Do this. Or that", **bad),
        finding("tunnel", "e", cure="Do so", **bad),
        problem=3,
        warning=1,
        unknown=1,
    )
    assert seen == [
        "lxd1: 3 problems, 1 warning, 1 unknown (it took 2 s)",
        "",
        "overlay lan",
        "  problem  tunnel     c, d: hangs",
        "           Do this",
        "           Or that",
        "  problem  tunnel     e: hangs",
        "           Do so",
        "  warning  path       c: works",
        "  unknown  path       b: works",
        "  ok       path       a: works",
    ]


def test_a_large_mesh_that_is_cut_off_is_a_few_lines_too() -> None:
    """Where each peer's cure has its own address in it, one stands for all."""
    bad = {"state": "problem", "text": "nothing comes"}
    seen = shown(*(finding("tunnel", f"p{n}", cure=f"Is it {n}?", **bad) for n in range(1000)))
    assert seen[3:] == [
        "  problem  tunnel     p0, p1, p2, p3, p4 and 995 more: nothing comes",
        "           Is it 0?",
        "           That is for p0, and alike for the others",
    ]


def test_nobody_plays_with_the_terminal() -> None:
    """Names and files may have been chosen by others."""
    assert "\x1b" not in "".join(shown(finding("macs", "p\x1b[2J", text="a\x1b", cure="b\x1b")))
