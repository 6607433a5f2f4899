"""An item that lacks something it needs hides no other error, its own among them."""

from pathlib import Path

import pytest

from vxland.config.errors import InvalidConfig
from vxland.config.load import check

FILE = """\
[[overlay]]
bridge = "vxbr0"

[[overlay]]
name = 3
bridge = "vxbr0"

[[peer]]
name = "x"
address = "192.0.2.1"

[[peer]]
name = "x"
address = 5

[[peer]]
name = 7
address = "127.0.0.1"

[[peer]]
address = "224.0.0.1"

[[peer]]
name = "/"
"""

SAID = [
    "overlay[1].name: 3 is not a string",
    'overlay[1].bridge: "vxbr0" is already overlay[0].bridge',
    'peer[1].name (x): "x" is already peer[0].name (x)',
    "peer[1].address (x): 5 is not a string",
    "peer[2].name: 7 is not a string",
    'peer[2].address: "127.0.0.1" is a loopback address',
    "peer[3].name: is missing",
    'peer[3].address: "224.0.0.1" is a multicast address',
    'peer[4].address ("/"): is missing',
    'peer[4].name ("/"): "/" can\'t be a name',
]


def test_every_error_is_told_at_once(tmp_path: Path) -> None:
    """Duplicates and bad addresses beside ill-formed keys of the same item."""
    path = tmp_path / "vxland.toml"
    path.write_text(FILE)
    with pytest.raises(InvalidConfig) as caught:
        check(path)
    told = [str(error) for error in caught.value.errors]
    missing = [said for said in SAID if not any(said in text for text in told)]
    assert missing == []
