"""What must not leave the machine, taken out of text: what a bug report is made of passes here.

Nothing of vxland's is a secret but the key of ``[http]``, which is never read. What is looked for
is what people write into configurations, units and comments all the same.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

REMOVED = "(removed)"
SHORTEST = 6  # letters of a secret that is looked for elsewhere: a shorter one would be in any text

# Strings on one line, which may hold a "#", and comments. A quote within a word begins no string.
_TOML = re.compile(r"""(?<!\w)"(?:\\.|[^"\\\n])*"|(?<!\w)'[^'\n]*'|\#[^\n]*""")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_URL = re.compile(r"(?<=://)[^/\s@\"']+@")
_SECRET = re.compile(
    r"""([\w.-]*(?:passw|passphrase|secret|token|psk|private.?key|api.?key|credential|bearer)[\w.-]*
    ["']?\s*[=:]\s*)("(?:\\.|[^"\\\n])*"|'[^'\n]*'|[^\s,;]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_ENVIRONMENT = re.compile(r"^(\s*Environment\s*=)(?:\\\n|.)*", re.MULTILINE)
_REMARK = re.compile(r"^\s*[#;](?! /).*", re.MULTILINE)


class Censor(Struct, frozen=True):
    """Takes secrets out; ``known`` are such as were found elsewhere, the longest first."""

    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Censor":
        """What these texts call a secret is taken out wherever it occurs."""
        found = {
            match[2].strip("\"'").rstrip("\\") for text in texts for match in _SECRET.finditer(text)
        }
        return cls(tuple(sorted((s for s in found if len(s) >= SHORTEST), key=len, reverse=True)))

    def clean(self, text: str) -> str:
        """The text without keys (PEM), passwords in URLs, and values whose name says secret."""
        for secret in self.known:
            text = text.replace(secret, REMOVED)
        text = _PEM.sub(REMOVED, text)
        text = _URL.sub(f"{REMOVED}@", text)
        return _SECRET.sub(rf"\1{REMOVED}", text)


def without_comments(toml: str) -> str:
    """A TOML file line by line, right or wrong, with what people noted in it left out."""
    return _TOML.sub(lambda match: "#" if match[0].startswith("#") else match[0], toml)


def without_environment(unit: str) -> str:
    """A unit as ``systemctl cat`` prints it, without values of variables and without comments.

    The comments that tell a file's path stay.
    """
    return _REMARK.sub("#", _ENVIRONMENT.sub(rf"\1{REMOVED}", unit))
