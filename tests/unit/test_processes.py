"""Who a process is, where /proc doesn't show it."""

import os
from pathlib import Path

import pytest

from vxland.kernel import processes
from vxland.kernel.processes import SERVICES, name_of

HIDDEN = 1 << 30  # no process has this number


@pytest.fixture(autouse=True)
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What systemd knows of units, empty."""
    monkeypatch.setattr(processes, "UNITS", tmp_path)
    processes._service_of.cache_clear()
    return tmp_path


def unit(units: Path, name: str, *numbers: int) -> None:
    """A unit with these processes."""
    (units / name).mkdir()
    (units / name / "cgroup.procs").write_text("".join(f"{number}\n" for number in numbers))


def test_a_process_that_is_shown_has_its_own_name() -> None:
    """As /proc has it."""
    assert name_of(os.getpid()) == Path("/proc/self/comm").read_text().rstrip("\n")


@pytest.mark.parametrize(("name", "program"), SERVICES.items())
def test_a_hidden_one_is_known_by_its_unit(units: Path, name: str, program: str) -> None:
    """Among others of that unit."""
    unit(units, name, 7, HIDDEN)
    assert name_of(HIDDEN) == program


def test_others_are_not_known(units: Path) -> None:
    """Those of other units, and those that have ended."""
    unit(units, "NetworkManager.service", HIDDEN + 1)
    unit(units, "cron.service", HIDDEN)
    assert name_of(HIDDEN) is None
