"""docs/reliability.md names tests that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROW = re.compile(r"^\| (?!promise|---)(.*) \| (.*) \|$", re.MULTILINE)


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED.findall(TEXT)}))
def test_what_is_named_is_there(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {name for found, name in NAMED.findall(TEXT) if found == path and name} <= there


def test_each_promise_has_a_test() -> None:
    rows = ROW.findall(TEXT.partition("## Chaos")[0])
    assert rows
    assert [promise for promise, tests in rows if not NAMED.search(tests)] == []
