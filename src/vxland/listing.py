"""Many things in one line: the first few of them, and how many more there are."""

from collections.abc import Sequence

MOST = 10  # of anything in one go, each in a line or some words of its own


def some(names: Sequence[str], most: int) -> str:
    """The first few of these, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
