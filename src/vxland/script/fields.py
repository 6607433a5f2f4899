"""What words come to: parameters replaced, and split where they aren't quoted."""

from collections.abc import Iterator, Mapping

from vxland.script.braces import expanded
from vxland.script.environment import Environment, Unknowable, Unknown
from vxland.script.words import BLANK, Expansion, Quoted, Word


def scalar(word: Word, environment: Environment) -> str:
    """A word as it is assigned: never split. Raises Unknowable."""
    return "".join(_texts(word, environment))


def fields(word: Word, environment: Environment, line: int) -> Iterator[str]:
    """A word as it becomes elements of an array. Raises Unknowable."""
    environment.spend(len(word), line)
    for one in expanded(word, line):
        environment.spend(len(one), line)
        yield from _Fields(environment).all(one)


def _texts(word: Word, environment: Environment) -> Iterator[str]:
    for token in word:
        if isinstance(token, str):
            yield token
        elif isinstance(token, Quoted):
            yield token.text
        elif (elements := _elements(token, environment)) is not None:
            yield " ".join(elements)
        else:
            yield _assigned(token, environment)


def _elements(expansion: Expansion, environment: Environment) -> list[str] | None:
    """A parameter's value, one by one; None where its default counts. Raises Unknowable."""
    name = expansion.name
    if expansion.operator and environment.unset(name):
        environment.assumed.setdefault(name, expansion.line)
        return None
    value = environment.read(name, expansion.line)
    if expansion.index in ("@", "*"):
        found = [value] if isinstance(value, str) else list(value.values())
    else:
        elements = {0: value} if isinstance(value, str) else value
        index = int(expansion.index or 0)
        if index not in elements and not expansion.operator:
            what = f"${{{name}[{index}]}} has no value"
            raise Unknowable(Unknown(expansion.line, what, "Correct the script, in a copy"))
        found = [elements[index]] if index in elements else []
    environment.spend(sum(map(len, found)) + len(found), expansion.line)
    empty = not any(found) if expansion.operator.startswith(":") else not found
    return None if expansion.operator and empty else found


def _assigned(expansion: Expansion, environment: Environment) -> str:
    """The default, which ``:=`` assigns as well."""
    text = scalar(expansion.default, environment)
    if expansion.operator.endswith("="):
        if expansion.index or isinstance(environment.values.get(expansion.name), Mapping):
            what = "this assigns an element while it is used"
            raise Unknowable(Unknown(expansion.line, what))
        environment.values[expansion.name] = text
    return text


class _Fields:
    """Fields in the making."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._done: list[str] = []
        self._open: str | None = None

    def all(self, word: Word) -> list[str]:
        """The fields of a word."""
        self._take(word)
        self._end()
        return self._done

    def _take(self, word: Word) -> None:
        for token in word:
            if isinstance(token, Quoted):
                self._add(token.text)
            elif isinstance(token, str):
                self._split(token)
            else:
                self._expansion(token)

    def _expansion(self, token: Expansion) -> None:
        elements = _elements(token, self._environment)
        if elements is None and not token.quoted and not token.operator.endswith("="):
            self._take(token.default)
            return
        if elements is None:
            elements = [_assigned(token, self._environment)]
        if token.quoted and token.index != "@":
            elements = [" ".join(elements)]
        for number, text in enumerate(elements):
            if number:
                self._end()
            if token.quoted:
                self._add(text)
            elif "IFS" in self._environment.values:
                raise Unknowable(Unknown(token.line, "this is split where $IFS says"))
            else:
                self._split(text)

    def _add(self, text: str) -> None:
        self._open = (self._open or "") + text

    def _end(self) -> None:
        if self._open is not None:
            self._done.append(self._open)
        self._open = None

    def _split(self, text: str) -> None:
        for character in text:
            if character in BLANK:
                self._end()
            else:
                self._add(character)
