"""What a change of the file costs is counted: looks, and thoughts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.place import MESH, SHARED, Place, settings
from bench.turns import Turns
from vxland import reconciler
from vxland.doorbell import Trigger

pytestmark = [pytest.mark.kernel]

FEW = 3  # peers


@pytest.fixture
def place(laboratory: None, tmp_path: Path) -> Iterator[Place]:
    """A server whose namespace this thread is in."""
    del laboratory
    with Place("change", tmp_path) as made, made.entered():
        yield made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the reconciler's questions were asked."""
    names: list[str] = []

    def counting(name: str, ask: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object) -> object:
            names.append(name)
            return ask(*args)

        return counted

    for name in ("survey", "resolve"):
        monkeypatch.setattr(reconciler, name, counting(name, getattr(reconciler, name)))
    return names


@pytest.mark.parametrize("mode", [MESH, SHARED])
def test_a_peer_added(mode: str, place: Place, asked: list[str]) -> None:
    """The look that judges the new file is the one that the turn goes by; it is resolved once."""
    del place
    with Turns(FEW, mode) as turns:
        turns.turn(Trigger.START)
        asked.clear()
        turns.file.settings = replace(settings(FEW + 1, mode), digest="another")
        report, _ = turns.turn(Trigger.CONFIG)
        assert report.in_sync
        assert len([*report.desired.tunnels()]) == FEW + 1
        assert asked == ["survey", "resolve"]
