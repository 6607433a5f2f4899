import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.shell_counting import COUNTING
from tests.kernel.shell_filtering import FILTERING
from tests.kernel.shell_scenarios import SCENARIOS
from vxland import operations
from vxland.operations import Operation

pytestmark = pytest.mark.kernel

PLAYED = {**SCENARIOS, **COUNTING, **FILTERING}

PROGRAM = (sys.executable, "-m", "tests.kernel.shell_twins")
ROOT = Path(__file__).parents[2]
LIMIT = 100.0  # seconds; one or two are enough, unless the twins never become alike


def played(name: str) -> dict[str, Any]:
    """What came of a scenario, played in namespaces of its own."""
    if os.geteuid() != 0:
        pytest.fail("this needs root, to make network namespaces")
    done = subprocess.run(
        [*PROGRAM, name], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{name} wasn't played to its end:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("name", PLAYED)
def test_commands_do_what_the_daemon_does(name: str) -> None:
    """Twins, mended by the daemon's code and by the commands, come out the same, and mended."""
    actual = played(name)
    assert {kind.__name__ for kind in PLAYED[name].expects} <= set(actual["classes"])
    executed, pasted = actual["plans"]
    assert executed == pasted
    executed, pasted = actual["states"]
    assert executed == pasted
    nothing: list[str] = []
    assert nothing == actual["seen"][0]["left"]
    assert nothing == actual["seen"][1]["left"]


def test_addresses_carry_the_mark_where_ip_knows_it() -> None:
    """An address that a command adds is vxland's, unless iproute2 is too old for the mark."""
    executed, pasted = played("fresh, IPv4")["seen"]
    usage = subprocess.run(["ip", "address", "help"], capture_output=True, text=True, check=False)
    expected = executed["own"] if "proto" in usage.stderr.split() else []
    assert executed["own"] == ["10.1.0.1/24", "fd00:1::1/64"]
    assert expected == pasted["own"]


def test_every_operation_is_played() -> None:
    """No class of operation is left out of the scenarios, but for what only a daemon can do."""
    expected = {
        kind
        for _, kind in inspect.getmembers(operations, inspect.isclass)
        if issubclass(kind, Operation) and kind not in (Operation, operations.ClaimTable)
    }
    assert expected == {kind for scenario in PLAYED.values() for kind in scenario.expects}
