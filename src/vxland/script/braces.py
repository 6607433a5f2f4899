"""Brace expansion: ``{a,b}`` and ``{1..3}`` (bash(1), EXPANSION)."""

import re
from itertools import pairwise

from vxland.script.environment import Unknowable, Unknown
from vxland.script.words import Word

MOST = 4096  # words that one becomes, which is more than a bridge has ports
LONGEST = 1 << 20  # characters of them together

_SEQUENCE = re.compile(r"(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})(?:\.\.(-?[0-9]{1,9}))?")


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
    inner = (token if isinstance(token, str) else "?" for token in word[start + 1 : end])
    match = _SEQUENCE.fullmatch("".join(inner))
    if not match:
        return None
    return [tuple(text) for text in _sequence(match, line)]


def _sequence(match: re.Match[str], line: int) -> list[str]:
    """The numbers, with as many digits as the widest has, where one begins with a nought."""
    first, last, step = int(match[1]), int(match[2]), abs(int(match[3] or 1)) or 1
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    if len(numbers) > MOST:
        raise _too_many(line)
    padded = any(re.match("-?0[0-9]", text) for text in match.groups()[:2])
    width = max(len(match[1]), len(match[2])) if padded else 0
    return [f"{number:0{width}d}" for number in numbers]
