"""Bytes from outside, at random and nearly right: nothing but what each target allows is raised."""

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.changes import MARKS
from tests.fuzz.conversation import END, LENGTH, MESSAGE, asked_for
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tests.profiles import examples
from vxland.kernel.ebtables import Ebtables
from vxland.observed import Unavailable

SOME = 20  # changes that it takes to set up a node
KINDS = st.sampled_from((*range(64), 0x8000 | 12, 0x8000 | 18, 0x8000 | 26, 0x8000 | 52))


@st.composite
def attributes(draw: st.DrawFn) -> bytes:
    """A message's body: a fixed part, and attributes of which some are nested or too long."""
    inner = st.lists(st.tuples(KINDS, st.binary(max_size=20)), max_size=4).map(_packed)
    parts = draw(st.lists(st.tuples(KINDS, st.one_of(st.binary(max_size=20), inner)), max_size=8))
    fixed = draw(st.binary(max_size=16))
    body = fixed.ljust(16, b"\0") + _packed(parts)
    return body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body


def _packed(parts: list[tuple[int, bytes]]) -> bytes:
    return b"".join(
        struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
        for kind, value in parts
    )


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """What a name server tells: addresses, aliases, and what else there is, some too short."""
    named = st.sampled_from((b"\xc0\x0c", b"\1b\xc0\x0e", b"\0", b"\xc0\xff"))
    data = st.one_of(st.binary(min_size=4, max_size=4), st.binary(max_size=17), named)
    part = st.tuples(named, st.sampled_from((1, 28, 5, 39, 41, 6)), st.integers(0, 2**32 - 1), data)
    parts = draw(st.lists(part, max_size=4))
    told = b"".join(
        name + struct.pack(">HHIH", kind, 1, ttl, len(value)) + value
        for name, kind, ttl, value in parts
    )
    return bytes((draw(st.sampled_from((0, 0, 0, 2, 3, 5))), len(parts), 0, 0)) + told


CHAINS = ("*filter", "*nat", ":VXLAND", ":VXLAND DROP", "-A", "-A VXLAND", "-A FORWARD -j x", "")
LINES = st.lists(st.sampled_from(CHAINS), max_size=6).map(lambda some: "\n".join(some).encode())


tapes = st.lists(
    st.tuples(st.sampled_from((MESSAGE, MESSAGE, END)), attributes()), max_size=12
).map(
    lambda answers: b"".join(
        bytes((goes,)) + LENGTH.pack(len(body)) + body if goes == MESSAGE else bytes((goes,))
        for goes, body in answers
    )
)


# "structure" is tests/unit/test_config_fuzz.py
@pytest.mark.parametrize("name", [name for name in TARGETS if name != "structure"])
def test_any_bytes(name: str) -> None:
    """Of any sort."""

    @examples(60)
    @given(st.one_of(st.binary(max_size=120), attributes(), LINES, records(), tapes))
    def try_one(data: bytes) -> None:
        TARGETS[name](data)

    try_one()


def test_messages_without_a_body() -> None:
    """Whoever asks for numbers gets none: what is read beside the turns can be as broken."""
    TARGETS["kernel"](bytes((MESSAGE, 0, 0, END)) * 200)


@pytest.mark.kernel
@pytest.mark.usefixtures("laboratory")
def test_what_has_lost_its_marks_is_left_alone() -> None:
    """All that there was when nothing was left to do: now it is others', by vxland's names."""
    first, tape, _ = seeds("kernel")
    made = asked_for(first)
    assert (made.strange, made.count > SOME) == ([], True)
    for mark in MARKS:  # but the name of a table, which begins like an altname
        tape = re.sub(re.escape(mark) + b"(?!ingress)", mark[::-1], tape)
    TARGETS["kernel"](tape)


def test_rules_whose_lines_end_too_early(
    tmp_path: Path,
) -> None:
    """They are no reason to end."""
    program = tmp_path / "ebtables-nft-save"
    program.write_text("#!/bin/sh\necho '*filter'\necho -A VXLAND\n")
    program.chmod(0o755)
    rules = Ebtables()
    try:
        printed = rules._print(str(program))
    finally:
        rules.close()
    assert isinstance(printed, Unavailable)
    assert "can't be read" in printed.reason
