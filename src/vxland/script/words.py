"""The words of a shell's text: what is quoted, what is expanded (bash(1), QUOTING and EXPANSION).

The syntax tree says where a value begins and ends; what it is made of is told here.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from vxland.script.environment import Misread, Unknowable, Unknown

BLANK = " \t\n"  # $IFS as it is at the start

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[(@|\*|[0-9]{1,6})\])?(:?[-=]|(?=\}))")
_ESCAPED = frozenset('$`"\\\n')  # what a backslash in double quotes is for
_OPERATORS = frozenset("<>|&;()")
_ANSI = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<letter>[abeEfnrtv\\'\"?]))"
)
_LETTERS = dict(zip("abeEfnrtv", "\a\b\x1b\x1b\f\n\r\t\v", strict=True))


class Quoted(Struct, frozen=True):
    """Text that is what it is."""

    text: str


class Expansion(Struct, frozen=True):
    """A parameter's value: ``$name``, ``${name[index]}``, ``${name:-default}``."""

    name: str
    line: int
    quoted: bool
    index: str = ""  # digits, "@" or "*"
    operator: str = ""  # "-", ":-", "=" or ":="
    default: tuple["Token", ...] = ()


Token = str | Quoted | Expansion  # a string is one character without quotes
Word = tuple[Token, ...]


def words(text: str, line: int) -> list[Word]:
    """The words of a list, without its comments. Raises Unknowable where one can't be known."""
    return list(_Lexer(text, line).words())


def word(text: str, line: int) -> Word:
    """A single word. Raises Unknowable, and Misread where it isn't one."""
    lexer = _Lexer(text, line)
    found = tuple(lexer.tokens())
    if lexer.position < len(text):
        raise Misread(line)
    return found


class _Lexer(Struct):
    text: str
    counted: int  # the line that it begins on, and later the one of ``upto``
    upto: int = 0
    position: int = 0

    def unknowable(self, what: str) -> Unknowable:
        return Unknowable(Unknown(self.line, what))

    @property
    def line(self) -> int:
        self.counted += self.text.count("\n", self.upto, self.position)
        self.upto = self.position
        return self.counted

    def words(self) -> Iterator[Word]:
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == "#":
                end = self.text.find("\n", self.position)
                self.position = len(self.text) if end < 0 else end
            elif character in BLANK:
                self.position += 1
            elif found := tuple(self.tokens()):
                yield found

    def tokens(self, end: str = BLANK, *, quoted: bool = False) -> Iterator[Token]:
        """Those up to one of the characters in ``end``, which is left."""
        while (character := self.text[self.position : self.position + 1]) not in ("", *end):
            if character == "\\":
                yield from self.escaped(quoted=quoted)
            elif character == '"':
                self.position += 1
                if self.text.startswith('"', self.position):
                    yield Quoted("")  # an empty string is a word, too
                yield from self.tokens('"', quoted=True)
                self.closing('"')
            elif character == "'" and not quoted:
                self.position += 1
                yield Quoted(self.until("'"))
            elif character == "$":
                yield from self.dollar(quoted=quoted)
            elif character == "`":
                raise self.unknowable("this is the output of a command, which isn't run")
            elif character == "~" and not quoted:
                raise self.unknowable("~ may stand for somebody's home folder")
            elif character in _OPERATORS and not quoted:
                raise self.unknowable(f"this isn't a plain value: it has a {character}")
            else:
                self.position += 1
                yield Quoted(character) if quoted else character

    def closing(self, mark: str) -> None:
        if not self.text.startswith(mark, self.position):
            raise self.unknowable(f"a {mark} is missing")
        self.position += 1

    def until(self, mark: str) -> str:
        """What is before a mark, which is taken too."""
        found = self.text.find(mark, self.position)
        if found < 0:
            raise self.unknowable(f"a {mark} is missing")
        text = self.text[self.position : found]
        self.position = found + 1
        return text

    def escaped(self, *, quoted: bool) -> Iterator[Token]:
        character = self.text[self.position + 1 : self.position + 2]
        self.position += 2
        if quoted and character not in _ESCAPED:
            yield Quoted("\\" + character)
        elif character != "\n":
            yield Quoted(character)

    def dollar(self, *, quoted: bool) -> Iterator[Token]:
        rest = self.text[self.position + 1 : self.position + 3]
        if rest.startswith("{"):
            yield self.braced(quoted=quoted)
        elif rest == "((" or rest.startswith("["):
            raise self.unknowable("this is computed, which vxland doesn't do")
        elif rest.startswith("("):
            raise self.unknowable("this is the output of a command, which isn't run")
        elif match := _NAME.match(self.text, self.position + 1):
            self.position = match.end()
            yield Expansion(match[0], self.line, quoted)
        elif re.match(r"[0-9@*#?$!-]", rest):
            raise self.unknowable(f"${rest[0]} is known only to a script that runs")
        elif rest.startswith("'") and not quoted:
            self.position += 2
            yield Quoted(self.ansi())
        else:  # $"..." is translated: to the same, unless somebody has gone far
            self.position += 1
            if rest[:1] != '"' or quoted:
                yield Quoted("$") if quoted else "$"

    def braced(self, *, quoted: bool) -> Expansion:
        line = self.line
        match = _PARAMETER.match(self.text, self.position + 2)
        if not match:
            shown = re.match(r"\$\{[^}\s]{0,30}", self.text[self.position :])
            raise self.unknowable(f"vxland doesn't work out {shown and shown[0]}…}}")
        self.position = match.end()
        default = tuple(self.tokens("}", quoted=quoted))
        self.closing("}")
        return Expansion(match[1], line, quoted, match[2] or "", match[3], default)

    def ansi(self) -> str:
        """What follows ``$'``."""
        match = re.compile(r"((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.text, self.position)
        if not match:
            raise self.unknowable("a ' is missing")
        self.position = match.end()
        if re.search(r"\\[cuU]", match[1]):
            raise self.unknowable(f"vxland doesn't work out $'{match[1][:30]}'")
        return _ANSI.sub(_character, match[1])


def _character(match: re.Match[str]) -> str:
    if match["octal"]:
        return chr(int(match["octal"], 8) & 0xFF)
    if match["hex"]:
        return chr(int(match["hex"], 16))
    return _LETTERS.get(match["letter"], match["letter"])


def names(text: str) -> set[str]:
    """The names of all variables that may be expanded in a text."""
    return set(re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", text))
