"""The status as JSON: as its types say, and as docs/api.md says."""

import re
from collections.abc import Iterable
from functools import cache, reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from msgspec.structs import asdict, replace
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tests.core.test_report import CONFLICT, DEVICE, report
from tests.fake.wishes import led_to
from vxland.history.chronicle import Chronicle
from vxland.history.events import KINDS, EventJson, EventsJson
from vxland.identity import INGRESS_TABLE
from vxland.loop.board import SLICE, Board
from vxland.model import Vtep
from vxland.observed import Element, Link, Observed
from vxland.operations import MakeIngress
from vxland.problems import Kind, Problem
from vxland.report import ConfigState, Report
from vxland.status import shape
from vxland.status.build import Counts, Past, problem_json, report_status
from vxland.status.shape import NodeStatus
from vxland.tables.in_force import after
from vxland.traffic import Seen, Traffic

API = Path(__file__).parents[2] / "docs" / "api.md"
SHAPES: dict[str, Any] = {
    name: value for name, value in vars(shape).items() if is_typeddict(value)
} | {"EventJson": EventJson, "EventsJson": EventsJson}


@cache
def strict(shape: Any) -> type[BaseModel]:  # noqa: ANN401 - any TypedDict
    """Takes a value of exactly this type; pydantic knows TypedDict itself from Python 3.12 on."""
    keys: dict[str, Any] = {
        key: (_strict(kind), ...) for key, kind in get_type_hints(shape).items()
    }
    return create_model(shape.__name__, __config__=ConfigDict(strict=True, extra="forbid"), **keys)


def _strict(kind: Any) -> Any:  # noqa: ANN401 - any annotation
    if is_typeddict(kind):
        return strict(kind)
    if get_origin(kind) is list:
        return list[_strict(get_args(kind)[0])]  # type: ignore[misc]
    if get_origin(kind) is UnionType:
        return reduce(or_, map(_strict, get_args(kind)))
    return kind


SEEN = Seen(DEVICE, "", 5, up=True, running=True, mtu=1450, traffic=Traffic(), learned_macs=3)


def posted() -> Board:
    """A board after a turn with everything in it."""
    ports = {f"veth{n:02}": Link(f"veth{n:02}", "veth", master="vxbr0") for n in range(25)}
    turn = report(problems=(CONFLICT,))
    links = {**turn.observed.links, **ports}
    links[DEVICE] = replace(links[DEVICE], running=True)
    counts = Counts({("lan", "lxd2"): Traffic(1, 2, 3, 4, 5, 6, 7, 8)}, {DEVICE: SEEN})
    board = Board(lambda: counts, clock=lambda: 5.0, now=lambda: 1001.0)
    config = replace(turn.config, errors=("line 1: broken",))
    board.post(replace(turn, observed=Observed(links=links), config=config))
    return board


def test_whose_packets_get_in_is_told_as_it_is() -> None:
    """A port isn't exclusive for what the file says."""
    turn = report()
    (lan,) = turn.desired.overlays
    closed = (Element("exclusive", lan.vteps[0].port),)
    made = after(turn.observed, [MakeIngress("", INGRESS_TABLE, closed, replaces=False)])
    alone = replace(turn.desired, overlays=(replace(lan, exclusive=True),))
    off = replace(turn.desired, overlays=(replace(lan, ingress=False),))
    turns = {
        "peers": replace(turn, desired=alone),
        "exclusive": replace(turn, desired=alone, observed=made),
        "off": replace(turn, desired=off),
    }
    told = {key: report_status(each)["overlays"][0]["ingress"] for key, each in turns.items()}
    assert told == {key: key for key in turns}


def test_it_is_of_the_type_that_it_says() -> None:
    """With everything in it, with nothing, and where it is looked at by eye."""
    model = strict(NodeStatus)
    model.model_validate(posted().status())
    model.model_validate(report_status(report()))
    model.model_validate(report_status(replace(report(), observed=Observed())))
    strict(EventsJson).model_validate(posted().events())
    for wrong in ({"since": "now"}, {"more": 1}):
        with pytest.raises(ValidationError):
            model.model_validate({**posted().status(), **wrong})


def test_it_tells_what_is_known() -> None:
    """Times, traffic, ports."""
    status: Any = posted().status()
    assert (status["daemon"], status["since"], status["started_at"]) == ("running", 1000.0, 1001.0)
    assert status["config"]["refused_at"] == 1000.0
    assert status["last_full_check"] == status["last_check"]["at"] == 1000.0
    (overlay,) = status["overlays"]
    assert (overlay["in_sync"], overlay["since"]) == (False, 1000.0)
    assert overlay["ports"]["count"] == 25
    assert overlay["ports"]["too_large"] == [f"veth{n:02}" for n in range(20)]
    assert (overlay["peers_wanted"], overlay["tunnels_present"]) == (1, 1)
    (tunnel,) = overlay["tunnels"]
    assert (tunnel["running"], tunnel["since"], tunnel["learned_macs"]) == (True, 1000.0, 3)
    assert tunnel["traffic"] == asdict(Traffic(1, 2, 3, 4, 5, 6, 7, 8))
    assert status["problems"][0]["since"] == 1000.0


def test_without_a_daemon_no_times_are_known() -> None:
    """But those of the look."""
    config = ConfigState("/etc/vxland.toml", "abc")
    counts = Counts({}, {})
    status = report_status(replace(report(), config=config), counts=counts)
    assert (status["daemon"], status["since"], status["started_at"]) == ("not running", None, None)
    assert (status["config"]["loaded_at"], status["overlays"][0]["since"]) == (None, None)
    assert status["overlays"][0]["tunnels"][0]["learned_macs"] == 0


def test_what_is_counted_is_told_of_each_device() -> None:
    """As one look at the kernel had it."""
    traffic = Traffic(receive_bytes=1)
    seen = Seen(DEVICE, "", 5, up=True, running=True, mtu=1450, traffic=traffic, learned_macs=3)
    assert Counts.of({DEVICE: seen}) == Counts({}, {DEVICE: seen})
    marked = replace(seen, alias="vxland:lan:lxd2")
    assert Counts.of({DEVICE: marked}) == Counts({("lan", "lxd2"): traffic}, {DEVICE: marked})


def test_a_missing_device_counts_nothing() -> None:
    """No traffic, no addresses."""
    gone = replace(report(), observed=Observed())
    (overlay,) = report_status(gone, counts=Counts({}, {}))["overlays"]
    tunnel = overlay["tunnels"][0]
    assert (tunnel["traffic"], tunnel["learned_macs"], tunnel["state"]) == (None, None, "missing")
    assert overlay["tunnels_present"] == 0


def test_a_peer_is_told_with_the_name_it_is_written_by() -> None:
    """An address that is written out has none."""
    named = replace(report(), hosts={"lxd2": "two.example.net"})
    for told, host in ((report(), None), (named, "two.example.net")):
        (tunnel,) = report_status(told)["overlays"][0]["tunnels"]
        assert (tunnel["address"], tunnel["host"]) == ("192.0.2.2", host)


def test_the_past_is_the_chronicles() -> None:
    """All of it."""
    chronicle = Chronicle(1.0)
    chronicle.turn(report(problems=(CONFLICT,)))
    assert chronicle.past() == Past(
        1.0,
        1000.0,
        {"lan": 1000.0},
        {("lan", "lxd2"): 1000.0},
        {CONFLICT.identity: 1000.0},
    )


def test_what_is_wrong_with_the_daemon_itself_is_a_problem_too() -> None:
    """One that no turn reports, and it leaves the node in sync."""
    deaf = Problem(Kind.HINT, "no metrics: cannot listen")
    status = report_status(report(), own={deaf: 1000.0})
    assert status["problems"] == [problem_json(deaf, 1000.0)]
    assert status["in_sync"]


def wide(count: int) -> Report:
    """With so many tunnels."""
    turn = report()
    (overlay,) = turn.desired.overlays
    (vtep,) = overlay.vteps
    vteps: tuple[Vtep, ...] = tuple(led_to(vtep, f"p{n}") for n in range(count))
    desired = replace(turn.desired, overlays=(replace(overlay, vteps=vteps),))
    return replace(turn, desired=desired)


def test_a_board_makes_way_between_tunnels() -> None:
    """Every fifty of them."""
    ways: list[int] = []
    board = Board(give_way=lambda: ways.append(1))
    board.post(wide(3 * SLICE + 1))
    board.status()
    assert len(ways) == 4


def test_a_board_without_a_turn_has_no_status() -> None:
    """And none where the kernel can't be looked at; that is an event."""
    board = Board(now=lambda: 7.0)
    assert board.status() == {"error": "the first check isn't over yet"}
    board.trouble_with("no kernel")
    assert board.status() == {"error": "no kernel"}
    (event,) = board.events()["events"]
    assert (event["kind"], event["at"], event["found"]) == ("trouble", 7.0, "no kernel")
    board.post(report())
    assert "error" not in board.status()


def documented(document: Path = API) -> dict[str, dict[str, str]]:
    """The tables of docs/api.md: by the type in the heading, each key with what it is."""
    text = document.read_text()
    sections = re.split(r"^#+ .*\(`(\w+)`\)$", text, flags=re.MULTILINE)
    return {
        name: dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", body, re.MULTILINE))
        for name, body in zip(sections[1::2], sections[2::2], strict=True)
    }


def written(annotation: Any, shapes: Iterable[str] = SHAPES) -> str:  # noqa: ANN401 - any
    """A type as the documentation writes it."""
    text = getattr(annotation, "__name__", str(annotation))
    text = str(annotation) if "[" in str(annotation) or "|" in str(annotation) else text
    for name in shapes:
        text = re.sub(rf"[\w.]*\b{name}\b", name, text)
    values = re.fullmatch(r"typing.Literal\[(.*)\]", text)
    if values:
        return " or ".join(f"`{value}`" for value in re.findall(r"'([^']+)'", values[1]))
    plain = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    text = text.replace(" | None", " or null")
    text = re.sub(r"list\[(\w+)\]", r"list of \1", text)
    return re.sub(r"\b(str|int|float|bool)\b", lambda found: plain[found[1]], text)


@pytest.mark.parametrize("name", SHAPES)
def test_the_documentation_says_the_same(name: str) -> None:
    """Every key, in order, with its type, and no other."""
    said = documented()[name]
    meant = {key: written(kind) for key, kind in get_type_hints(SHAPES[name]).items()}
    assert said == meant
    assert list(said) == list(meant)


def test_the_documentation_has_no_other_types() -> None:
    """Nor kinds of events."""
    assert set(documented()) == {*SHAPES, "KINDS"}
    assert tuple(documented()["KINDS"]) == KINDS
