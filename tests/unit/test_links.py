"""Links between the documents lead somewhere, as they lie in the repository and as installed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]*)\)")


def anchors(document: Path) -> set[str]:
    """What its headings are linked by."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """To a file, and where they name a heading, to that."""
    dead = []
    for link in LINK.findall(BLOCK.sub("", document.read_text())):
        name, _, heading = link.partition("#")
        there = document.parent / name if name else document
        if "//" in link:
            continue
        if not there.exists() or (heading and heading not in anchors(there)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("document", DOCUMENTS[1:], ids=lambda path: path.name)
def test_each_document_is_led_to(document: Path) -> None:
    """By another one, so that somebody finds it."""
    texts = {path: path.read_text() for path in DOCUMENTS if path != document}
    assert any(
        (path.parent / link.partition("#")[0]).resolve() == document
        for path, text in texts.items()
        for link in LINK.findall(text)
    )
