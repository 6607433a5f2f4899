"""A script as people edit it, and what vxland finds in it."""

import pytest

from tests.scripts.vxlansetup import script, variables
from vxland.script.faults import NotImportable
from vxland.script.setup import Setup, setup

LOCAL, REMOTES = "203.0.113.1", ("203.0.113.2", "198.51.100.3")
PLAIN = variables(LOCAL, REMOTES)
LIST = f"REMOTEIPS=({' '.join(REMOTES)})\n"


def edited(line: str, instead: str) -> str:
    """The script with other lines in place of some."""
    assert line in PLAIN
    return script(PLAIN.replace(line, instead))


def read(text: str) -> Setup:
    """What is found in a script."""
    return setup("a.sh", text.encode())


def faults(text: str) -> str:
    """What is said to a script."""
    with pytest.raises(NotImportable) as told:
        read(text)
    return str(told.value) if len(told.value.args) == 1 else "\n".join(told.value.args)
