"""Which of others' rules are removed: those that stand, no more often than they are named."""

import pytest

from vxland.observed import PortRule
from vxland.tables.ebtables import standing

FORWARD = tuple(map(PortRule, "abacab"))  # by their texts


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("", ""),
        ("a", "a"),
        ("ba", "ab"),
        ("caaaa", "aaca"),
        ("bbb", "bb"),
        ("dcd", "c"),
    ],
)
def test_rules_go_as_often_as_they_stand_and_are_named(named: str, expected: str) -> None:
    """In FORWARD's order, whatever the order in which they are named."""
    assert standing(named, FORWARD) == tuple(expected)
