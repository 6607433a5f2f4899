"""Files with [sections], each value with its place.

configparser neither tells lines nor keeps a key that is there several times.
"""

from collections.abc import Iterable

from msgspec import Struct


class Value(Struct, frozen=True):
    """What a key is set to, and where."""

    text: str
    where: str
    line: int


Sections = dict[str, dict[str, list[Value]]]


def parse(texts: Iterable[tuple[str, str]]) -> Sections:
    """Several files, by path and text, as one."""
    found: Sections = {}
    for where, text in texts:
        section = ""
        for number, line in enumerate(map(str.strip, text.splitlines()), 1):
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif "=" in line and line[0] not in "#;":
                key, _, value = line.partition("=")
                values = found.setdefault(section, {}).setdefault(key.strip(), [])
                values.append(Value(value.strip(), where, number))
    return found


def last(sections: Sections, section: str, key: str, *older: str) -> Value | None:
    """The value that counts, under this name or an older one; None where it isn't set."""
    for name in (key, *older):
        if values := sections.get(section, {}).get(name):
            return values[-1]
    return None


def number(value: Value | None, default: int | None = None) -> int | None:
    """A value that is a number; the default where it isn't set, or is something else."""
    return int(value.text) if value is not None and value.text.isdecimal() else default
