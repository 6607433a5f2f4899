"""How a value or a key of a configuration file is shown in a message: on one line, and short."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, time
from types import UnionType
from typing import Any

LONGEST = 60  # characters shown of one value

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
LAST_SHORT = 0xFFFF  # character that TOML's \u reaches
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_INT_LIMIT = 10**LONGEST


def _escaped(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= LAST_SHORT else f"\\U{code:08x}"


def quoted(text: str) -> str:
    """A string as TOML has it, cut where it is long."""
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return '"' + "".join(map(_escaped, cut)) + '"'


def printable(text: str) -> str:
    """A file's name, whatever is in it, on one line."""
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def key(text: str) -> str:
    """A key as TOML has it: bare where it can be."""
    bare = len(text) <= LONGEST and _BARE_KEY.fullmatch(text)
    return text if bare else quoted(text)


def _integer(value: int) -> str:
    return str(value) if abs(value) < _INT_LIMIT else "a number of very many digits"


def _list(values: Sequence[Any]) -> str:
    if any(isinstance(value, (list, dict)) for value in values):
        return "a list"
    text = f"[{', '.join(map(shown, values[:LONGEST]))}]"
    return text if len(text) <= LONGEST else "a list"


_SHOWN: tuple[tuple[type | UnionType, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),  # before int: it is one
    (int, _integer),
    (str, quoted),
    (float, repr),
    (date, date.isoformat),
    (time, time.isoformat),
    (dict, lambda _: "a table"),
    (list | tuple, _list),
)


def shown(value: object) -> str:
    """A value as TOML has it, or what sort of thing it is."""
    return next(show(value) for kind, show in _SHOWN if isinstance(value, kind))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person is likely to have meant."""
    if len(word) > LONGEST:
        return None
    found = difflib.get_close_matches(word, sorted(known), n=1)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean "lan"?``, or nothing where nothing is near."""
    found = nearest(word, known)
    return f"Did you mean {quoted(found)}? " if found else ""


def listed(words: Iterable[str], last: str = "or") -> str:
    """``a, b or c``."""
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final
