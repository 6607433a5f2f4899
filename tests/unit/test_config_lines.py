"""An error names the line that a person has to look at, or none."""

import pytest

from vxland.config.lines import Lines, Loc

TEXT = """
top = 1
[node]
  "name" = "x"
[[ overlay ]]
mtu = 5
 'port' = 6
[overlay.vnis]
"a b" = 5
mtu = 1450

[[overlay]]
addresses = [
  "10.0.0.1/8",
]
[http]
[[peer]]
"""


@pytest.mark.parametrize(
    ("loc", "items", "expected"),
    [
        (("top",), 1, 2),
        (("node",), 1, 3),
        (("node", "name"), 1, 4),
        (("node", "address"), 1, 3),
        (("http", "listen"), 1, 16),
        (("overlay", 0), 2, 5),
        (("overlay", 0, "mtu"), 2, 6),
        (("overlay", 0, "port"), 2, 7),
        (("overlay", 0, "guard", 1), 2, 5),
        (("overlay", 0, "vnis", "a b"), 2, 9),
        (("overlay", 0, "vnis", "mtu"), 2, 10),
        (("overlay", 1, "addresses", 0), 2, 13),
        (("overlay", 1, "mtu"), 2, 12),
        (("peer",), 1, 17),
        (("peer", 0, "name"), 1, 17),
        (("peer", 0, "name"), 2, None),
        (("overlay", 0), 3, None),
        (("reconcile", "interval"), 1, None),
    ],
)
def test_the_line_of_a_key(loc: Loc, items: int, expected: int | None) -> None:
    """Or of its table; none where the text isn't what it seems."""
    assert expected == Lines(TEXT).find(loc, items)


def test_a_subtable_after_another_table_is_its_own() -> None:
    """TOML lets it belong to the last item; the line is at least not a wrong one."""
    text = '[[overlay]]\nbridge = "a"\n[node]\n[overlay.vnis]\n"a b" = 5\n'
    assert Lines(text).find(("overlay", 0, "vnis", "a b"), 1) == 1


@pytest.mark.parametrize("character", [" ", "[", "]", '"', "=", "\t", "a"])
def test_long_lines_take_no_time(character: str) -> None:
    """A million characters of anything."""
    assert Lines(character * 1_000_000).find(("node", "name")) is None
