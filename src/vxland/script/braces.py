"""Brace expansion: ``{a,b}``, ``{1..3}`` and ``{a..c}`` (bash(1), EXPANSION)."""

import re
from itertools import pairwise

from vxland.script.environment import Unknowable, Unknown
from vxland.script.words import Token, Word

MOST = 4096  # words that one becomes, which is more than a bridge has ports
LONGEST = 1 << 20  # characters of them together

_Pairs = dict[int, tuple[int, list[int]]]

_LETTERS = re.compile(r"([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?[0-9]{1,9}))?")
_NUMBERS = re.compile(r"(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})(?:\.\.(-?[0-9]{1,9}))?")


def expanded(word: Word, line: int) -> list[Word]:
    """The words that one stands for. Raises Unknowable where these are too many."""
    return [tuple(one) for one in _span(word, range(len(word)), _pairs(word), line)]


def _too_many(line: int) -> Unknowable:
    return Unknowable(Unknown(line, f"this stands for more than {MOST} values"))


def _pairs(word: Word) -> _Pairs:
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


def _span(word: Word, span: range, pairs: _Pairs, line: int) -> list[list[Token]]:
    """What a part of a word stands for."""
    found: list[list[Token]] = [[]]
    position = span.start
    while position < span.stop:
        choices = _choices(word, position, pairs, line) if position in pairs else None
        if choices is None:
            choices = [[word[position]]]
            position += 1
        else:
            position = pairs[position][0] + 1
        if len(choices) == 1:
            for one in found:
                one.extend(choices[0])
        else:
            longest = len(found[0]) + max(map(len, choices))
            if len(found) * len(choices) > min(MOST, LONGEST // longest):
                raise _too_many(line)
            found = [[*one, *other] for one in found for other in choices]
    return found


def _choices(word: Word, start: int, pairs: _Pairs, line: int) -> list[list[Token]] | None:
    """What is between braces, one by one; None where they are just characters."""
    end, commas = pairs[start]
    if commas:
        parts = (range(one + 1, other) for one, other in pairwise([start, *commas, end]))
        return [one for part in parts for one in _span(word, part, pairs, line)]
    inner = "".join(token if isinstance(token, str) else "?" for token in word[start + 1 : end])
    if match := _NUMBERS.fullmatch(inner):
        return [[*text] for text in _numbers(match, line)]
    if match := _LETTERS.fullmatch(inner):
        return [[letter] for letter in _letters(match, line)]
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
