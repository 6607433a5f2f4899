"""Brace expansion: ``{a,b}``, ``{1..3}`` and ``{a..c}`` (bash(1), EXPANSION)."""

import re
from itertools import pairwise

from vxland.script.environment import Unknowable, Unknown
from vxland.script.words import Word

MOST = 4096  # words that one becomes, which is more than a bridge has ports
LONGEST = 1 << 20  # characters of them together

_LETTERS = re.compile(r"([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?[0-9]{1,9}))?")
_NUMBERS = re.compile(r"(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})(?:\.\.(-?[0-9]{1,9}))?")


def expanded(word: Word, line: int) -> list[Word]:
    """The words that one stands for. Raises Unknowable where these are too many."""
    for start, (end, commas) in sorted(_pairs(word).items()):
        chosen = _alternatives(word, start, end, commas, line)
        if chosen is None:
            continue
        inner = [one for choice in chosen for one in expanded(choice, line)]
        after = expanded(word[end + 1 :], line)
        if len(inner) * len(after) > MOST or len(inner) * len(after) * len(word) > LONGEST:
            raise _too_many(line)
        return [word[:start] + one + other for one in inner for other in after]
    return [word]


def _too_many(line: int) -> Unknowable:
    return Unknowable(Unknown(line, f"this stands for more than {MOST} values"))


def _pairs(word: Word) -> dict[int, tuple[int, list[int]]]:
    """Each brace that is opened: where it is closed, and the commas that are its own."""
    found = {}
    opened: list[tuple[int, list[int]]] = []
    for position, mark in enumerate(word):
        if mark == "{":
            opened.append((position, []))
        elif mark == "," and opened:
            opened[-1][1].append(position)
        elif mark == "}" and opened:
            start, commas = opened.pop()
            found[start] = position, commas
    return found


def _alternatives(
    word: Word, start: int, end: int, commas: list[int], line: int
) -> list[Word] | None:
    """What is between the braces, one by one; None where they are just characters."""
    if commas:
        edges = [start, *commas, end]
        return [word[one + 1 : other] for one, other in pairwise(edges)]
    inner = "".join(token if isinstance(token, str) else "?" for token in word[start + 1 : end])
    if match := _NUMBERS.fullmatch(inner):
        return [tuple(text) for text in _numbers(match, line)]
    if match := _LETTERS.fullmatch(inner):
        return [(letter,) for letter in _letters(match, line)]
    return None


def _steps(first: int, last: int, step: str | None, line: int) -> range:
    width = abs(int(step or 1)) or 1
    found = range(first, last + 1, width) if first <= last else range(first, last - 1, -width)
    if len(found) > MOST:
        raise _too_many(line)
    return found


def _numbers(match: re.Match[str], line: int) -> list[str]:
    """With as many digits as the widest has, where one begins with a nought."""
    padded = any(re.match("-?0[0-9]", text) for text in match.groups()[:2])
    width = max(len(match[1]), len(match[2])) if padded else 0
    steps = _steps(int(match[1]), int(match[2]), match[3], line)
    return [f"{number:0{width}d}" for number in steps]


def _letters(match: re.Match[str], line: int) -> list[str]:
    """Of one case; between the two there are other characters."""
    if match[1].isupper() != match[2].isupper():
        raise Unknowable(Unknown(line, f"vxland doesn't work out {{{match[0]}}}"))
    return [chr(code) for code in _steps(ord(match[1]), ord(match[2]), match[3], line)]
