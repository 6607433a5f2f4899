"""A server that all of this is counted on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.place import Place


@pytest.fixture
def place(laboratory: None, tmp_path: Path) -> Iterator[Place]:
    """A server whose namespace this thread is in."""
    del laboratory
    with Place("counts", tmp_path) as made, made.entered():
        yield made
