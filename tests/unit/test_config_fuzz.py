"""Whatever is in the files: they are valid, or each thing that is wrong is told in one line."""

import json
import math
from datetime import date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from tests.unit.written import PLAIN, errors_in
from vxland.config.overlay_table import OverlayTable
from vxland.config.schema import File, HttpTable, NodeTable, PeerTable, ReconcileTable
from vxland.settings import Settings

TABLES = (File, NodeTable, HttpTable, ReconcileTable, OverlayTable, PeerTable)
KNOWN = sorted({key for table in TABLES for key in table.model_fields})
WORDS = (
    *("lan", "dmz", "vxbr0", "lxd1", "lxd2", "lxd1 lxd2", "pair", "index", "mesh", "auto"),
    *(
        "inherit",
        "isolated",
        "ebtables",
        "nftables",
        "203.0.113.1",
        "2001:db8::1",
        "10.1.1.1/24",
        "30s",
        "",
    ),
    *("fe80::1%eth0", "[::1]:80", "127.0.0.1:80", "vxlan0", "a\nb", "\u2028", "%", "🦆"),
)

texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=70))
keys = st.one_of(st.sampled_from(KNOWN), st.sampled_from(KNOWN), texts)
scalars = st.one_of(
    texts,
    st.booleans(),
    st.integers(-2, 70000),
    st.integers(),
    st.integers(0, 10**200).map(lambda number: number * 10**60),
    st.floats(),
    st.dates(),
    st.times(),
    st.datetimes(),
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=12,
)


def table(model: type[File] | type[OverlayTable] | type[PeerTable]) -> st.SearchStrategy[object]:
    """Something that looks like a table of this kind."""
    known = st.dictionaries(st.sampled_from(sorted(model.model_fields)), trees, max_size=6)
    return st.one_of(known, known, trees)


overlays = st.lists(table(OverlayTable), max_size=3)
peers = st.lists(table(PeerTable), max_size=4)
files = st.one_of(
    st.dictionaries(keys, trees, max_size=6),
    st.fixed_dictionaries({"overlay": overlays, "peer": peers}, optional={"node": trees}),
)


def toml(value: object) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, date | time | datetime):
        return value.isoformat()
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f") if value.isascii() else _unicode(value)
    return json.dumps(value)


def _unicode(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'


def document(data: dict[str, object]) -> str:
    """A file."""
    return "".join(f"{toml(key)} = {toml(value)}\n" for key, value in data.items())


def judge(text: str | bytes, **drop_ins: str | bytes) -> None:
    """Reads it; every error must be one line that says something, and can be JSON."""
    with TemporaryDirectory() as folder:
        for error in errors_in(Path(folder), text, **drop_ins):
            line = str(error)
            assert line.isprintable()
            assert line.startswith(folder)
            assert error.message
            assert error.cure
            assert line.endswith(f"{error.message}. {error.cure}")
            assert json.loads(json.dumps(error.as_json()))["path"] == error.path


@given(files)
@examples(200)
def test_any_toml(data: dict[str, object]) -> None:
    """Of whatever types and depth."""
    judge(document(data))


@given(files, files)
@examples(60)
def test_any_toml_in_two_files(data: dict[str, object], more: dict[str, object]) -> None:
    """The second one is a drop-in."""
    judge(PLAIN + document({k: v for k, v in data.items() if k in {"node", "http"}}), a=PLAIN)
    judge(document(data), a=document(more))


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@examples(200)
def test_any_bytes(content: bytes) -> None:
    """Text or not."""
    judge(content)


@given(st.data())
@examples(150)
def test_any_piece_of_a_file(data: st.DataObject) -> None:
    """Cut off anywhere, or with a few bytes of something else in it."""
    whole = PLAIN.encode()
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, len(whole)))
    judge(whole[:begin] + data.draw(st.binary(max_size=3)) + whole[end:])


def test_depth_is_no_traceback() -> None:
    """Neither in lists nor in tables nor in keys."""
    judge("node = " + "[" * 3000 + "]" * 3000)
    judge("node" + ".a" * 3000 + " = 1")
    judge("[[overlay" + ".a" * 3000 + "]]")
    judge('[[overlay]]\nbridge = "a"\n[overlay.vnis]\nx' + ".y" * 3000 + " = 1")


def test_defaults_are_reached() -> None:
    """The generator's words are those of the settings."""
    overlay = OverlayTable(bridge="b")
    assert {overlay.mode, overlay.vni, *overlay.guard} <= set(WORDS)
    assert Settings().interval == 30.0
