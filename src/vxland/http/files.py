"""The page's files, all read at the start: nothing of a URL is ever looked up on the disk."""

import base64
import gzip
import hashlib
import re
from importlib.resources import files
from pathlib import PurePath

from msgspec import Struct

PAGE = "vxland.page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
INDEX = "index.html"
SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class File(Struct, frozen=True):
    """One of them."""

    kind: str
    plain: bytes
    packed: bytes
    tag: str

    @staticmethod
    def of(name: str, content: bytes) -> "File":
        """With what is said of it."""
        return File(
            TYPES[PurePath(name).suffix],
            content,
            gzip.compress(content, mtime=0),
            hashlib.sha256(content).hexdigest()[:20],
        )


def page() -> dict[str, File]:
    """Each file by its path in URLs."""
    found = {
        f"/{entry.name}": File.of(entry.name, entry.read_bytes())
        for entry in sorted(files(PAGE).iterdir(), key=lambda entry: entry.name)
        if PurePath(entry.name).suffix in TYPES and entry.is_file()
    }
    if index := found.pop(f"/{INDEX}", None):
        found = {"/": index, **found}
    return found


def inline(content: bytes) -> str:
    """What allows the one script within the page, and no other (CSP3, hash-source)."""
    (script,) = SCRIPT.findall(content)
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
