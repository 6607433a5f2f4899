"""What journalctl -x explains: every kind of line, and how to help oneself."""

import re
import subprocess
from pathlib import Path

import pytest

from vxland.journal.messages import ERROR, INFO, NOTICE, WARNING, Message
from vxland.problems import Kind

DOCUMENT = Path(__file__).parents[2] / "docs" / "journal.md"
CATALOG = Path(__file__).parents[2] / "packaging" / "systemd" / "vxland.catalog"
IDS = [message.id for message in Message]


def entries() -> dict[str, str]:
    """The catalogue's text by id. An id that is there twice would be lost here: see below."""
    parts = re.split(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system with the catalogue in it, compiled."""
    root = tmp_path_factory.mktemp("root")
    folder = root / "usr" / "lib" / "systemd" / "catalog"
    folder.mkdir(parents=True)
    (folder / CATALOG.name).write_text(CATALOG.read_text())
    assert journalctl(root, "--update-catalog") == ""
    return root


def journalctl(root: Path, *words: str) -> str:
    """What the real program says of it; it mustn't warn."""
    done = subprocess.run(
        ["journalctl", f"--root={root}", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_every_message_has_an_id_of_its_own() -> None:
    """As systemd wants it: 128 random bits in hexadecimal."""
    assert len(set(IDS)) == len(IDS)
    for name in IDS:
        assert re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", name)


def test_every_kind_of_problem_has_a_message() -> None:
    """It is found by its name."""
    assert {kind.name for kind in Kind} <= set(Message.__members__)


def test_the_table_and_the_catalogue_have_the_same_ids() -> None:
    """Each once, and in the same order, so that a person finds it."""
    assert re.findall(r"^-- (.*)$", CATALOG.read_text(), re.MULTILINE) == IDS


@pytest.mark.parametrize("message", Message)
def test_an_entry_says_what_happened_what_it_means_and_what_to_do(message: Message) -> None:
    """Every one of them names traffic, and the way out."""
    head, body = entries()[message.id].strip().split("\n\n", 1)
    lines = dict(line.split(": ", 1) for line in head.splitlines())
    assert lines.pop("Subject")
    assert lines.pop("Defined-By") == "vxland"
    assert lines.pop("Support") == "man:vxland(8)"
    assert lines.pop("Documentation").startswith("man:")
    assert lines == {}
    assert "\nWhat to do: " in body
    assert "traffic" in body.lower()


def test_the_real_journalctl_knows_every_one(root: Path) -> None:
    """It compiles the file without a word, and has each with its subject."""
    listed = dict(line.split(" ", 1) for line in journalctl(root, "--list-catalog").splitlines())
    subjects = {name: re.findall("Subject: (.*)", text)[0] for name, text in entries().items()}
    assert listed == {name: f"vxland: {subject}" for name, subject in subjects.items()}
    dump = journalctl(root, "--dump-catalog", *IDS)
    assert dump.count("What to do: ") == len(IDS)


def test_the_document_lists_every_id_with_its_priority() -> None:
    """In the order of the table, with what syslog(3) calls the priorities."""
    rows = re.findall(
        r"^\| [a-z ]+ \| (\w+) \| `([0-9a-f]{32})` ", DOCUMENT.read_text(), re.MULTILINE
    )
    names = {ERROR: "err", WARNING: "warning", NOTICE: "notice", INFO: "info"}
    assert rows == [(names[message.priority], message.id) for message in Message]


def test_the_catalogue_names_no_field_that_the_document_lacks() -> None:
    """journalctl would show an unknown one as it is written."""
    named = set(re.findall(r"@(\w+)@", CATALOG.read_text()))
    assert named
    assert named <= set(re.findall(r"`(VXLAND_\w+)`", DOCUMENT.read_text()))
