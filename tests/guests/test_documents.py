"""docs/guests/ as a whole: the tests type all of it."""

from pathlib import Path

import pytest

from tests.guests.recipes import DOCUMENTS, sections, text
from tests.system.quickstart import steps

NAMES = sorted(path.name for path in DOCUMENTS.glob("*.md") if path.name != "README.md")
TRIED = {
    "docker.md": "test_docker.py",
    "libvirt.md": "test_libvirt.py",
    "lxc.md": "test_lxc.py",
    "lxd-incus.md": "test_lxd_incus.py",
    "nspawn.md": "test_nspawn.py",
}

pytestmark = pytest.mark.guests


@pytest.mark.parametrize("name", NAMES)
def test_the_index_says_whether_it_was_tried(name: str) -> None:
    (row,) = (line for line in text("README.md").splitlines() if f"]({name}) |" in line)
    tried = row.split("|")[2].strip()
    assert (tried == "yes") == (name in TRIED)
    assert (tried == "no") == ("**Untried**" in text(name))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_a_reader_would_type_is_left_out(name: str) -> None:
    document = text(name)
    assert len(list(steps(document))) == document.count("root@")
    assert ("```console" in document or "```xml" in document) == (name in TRIED)
    if name in TRIED:
        tests = Path(__file__).with_name(TRIED[name]).read_text(encoding="utf-8")
        assert name in tests
        titles = [title for title, content in sections(name).items() if "root@" in content]
        assert len(titles) == 1 or all(title in tests for title in titles)
