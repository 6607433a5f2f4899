"""A short soak, and what is called growth; an hour of it is scripts/soak."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.soak.run import soak
from bench.soak.samples import Sample, growth

LINES = "log lines a deed"  # too few here to be compared
FLAT = [
    Sample(
        seconds=10.0 * number,
        deeds=10 * number,
        memory=80_000_000,
        fds=34 + number % 2,
        threads=10,
        rules=19,
        links=1010,
        lines=3 * number,
        turns=20 * number,
        repairs=40 * number,
        processor=2.0 * number,
    )
    for number in range(101)
]


@pytest.mark.kernel
@pytest.mark.daemon
@pytest.mark.usefixtures("laboratory")
def test_nothing_grows(tmp_path: Path) -> None:
    """Nor is anything left undone in the end."""
    samples = soak(tmp_path, peers=20, seconds=15, seed=8, every=0.5, pause=0.25)
    assert samples[-1].repairs > samples[0].repairs
    found = [one for one in growth(samples) if one.what != LINES]
    assert [one.line() for one in found if not one.held] == []


def test_what_is_flat_has_not_grown() -> None:
    assert all(one.held for one in growth(FLAT))


@pytest.mark.parametrize(
    ("what", "leak"),
    [
        ("bytes of memory", lambda one, n: replace(one, memory=one.memory + 100_000 * n)),
        ("file descriptors", lambda one, n: replace(one, fds=one.fds + n // 20)),
        ("threads", lambda one, n: replace(one, threads=one.threads + n // 50)),
        ("rules", lambda one, n: replace(one, rules=one.rules + n // 50)),
        ("links", lambda one, n: replace(one, links=one.links + n // 50)),
        (LINES, lambda one, n: replace(one, lines=one.lines + n * n // 100)),  # a quarter more
    ],
)
def test_a_leak_is_found(what: str, leak: Callable[[Sample, int], Sample]) -> None:
    """Each by itself."""
    leaking = [leak(one, number) for number, one in enumerate(FLAT)]
    assert [one.what for one in growth(leaking) if not one.held] == [what]
