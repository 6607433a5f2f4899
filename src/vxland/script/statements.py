"""What a script assigns, statement by statement; where it can't be told without running, why."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise, takewhile

from msgspec import Struct
from tree_sitter import Node

from vxland.script.braces import expanded
from vxland.script.effects import EVERYTHING, Deeds, arrays, command_name, deeds, together
from vxland.script.environment import Environment, Misread, Unknowable, Unknown, Value
from vxland.script.fields import fields, scalar
from vxland.script.syntax import Syntax, text, walk
from vxland.script.words import Word, names, word, words

_HARMLESS_FLAGS = frozenset(
    "-agirx"
)  # of declare: for arrays, global, numbers, read-only, exported
_ENDS = (b"", b" ", b"\t", b"\n", b";", b"&", b"|", b")")  # what may follow a value
_CORRECT = "Correct the script, in a copy"


class Variables(Struct, frozen=True):
    """The variables that were asked for."""

    values: Mapping[str, Value]
    lines: Mapping[str, int]  # where they are assigned
    assumed: Mapping[str, int]  # of them and what they are made of: defaults taken
    late: Mapping[str, int]  # assigned once more when they were used already
    others: frozenset[str]  # what else is assigned


def variables(syntax: Syntax, wanted: Collection[str]) -> Variables:
    """What these variables hold when they are first used. Raises Misread."""
    reader = _Reader(syntax, wanted)
    reader.visit_all(syntax.root.children)
    return reader.variables()


class _Reader:
    def __init__(self, syntax: Syntax, wanted: Collection[str]) -> None:
        self._syntax = syntax
        self._wanted = wanted
        self._environment = Environment()
        self._readonly: set[str] = set()
        self._lines: dict[str, int] = {}
        self._used: dict[str, Value] = {}
        self._late: dict[str, int] = {}
        self._functions: dict[str, Deeds] = {}
        self._arrays: set[str] = set()  # what may be one, somewhere
        for node in walk(syntax.root):
            self._arrays |= arrays(node)
            if node.type == "function_definition" and (name := node.child_by_field_name("name")):
                self._functions[text(name)] = deeds(node, syntax, function=True)

    def variables(self) -> Variables:
        values = self._environment.values | self._used
        for function, done in self._functions.items():
            for effect in done.effects:
                if effect.name in self._wanted:
                    what = f"the function {function} assigns it"
                    values[effect.name] = Unknown(effect.how.line, what, effect.how.cure)
        if (reason := self._environment.shell) is not None:
            values = dict.fromkeys(self._wanted, reason) | values
        needed = self._environment.sources(self._wanted)
        assumed = self._environment.assumed
        return Variables(
            {name: value for name, value in values.items() if name in self._wanted},
            self._lines,
            {name: line for name, line in assumed.items() if name in needed},
            self._late,
            frozenset(values).difference(self._wanted),
        )

    def visit_all(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if node.is_named:
                self._visit(node)

    def _visit(self, node: Node) -> None:
        if node.type == "variable_assignment":
            self._assign(node)
        elif node.type == "variable_assignments":
            self.visit_all(node.children)
        elif node.type == "declaration_command":
            self._declare(node)
        elif node.type == "compound_statement" and text(node).startswith("{"):
            self.visit_all(node.children)
        elif node.type == "list":
            self._visit(node.children[0])
            self._uncertain(node.children[-1])
        elif node.type == "command":
            self._command(node)
        elif node.type not in ("comment", "function_definition"):
            self._uncertain(node)

    def _uncertain(self, node: Node, without: Collection[Node] = ()) -> None:
        """Something that isn't carried out: what it may assign isn't known from here on."""
        done = together(deeds(node, self._syntax, without=without), self._functions)
        for effect in done.effects:
            if effect.name == EVERYTHING:
                self._environment.doubt(effect.how)
            else:
                self._set(effect.name, effect.how, effect.how.line)
        for name in done.uses.intersection(self._wanted, self._environment.values):
            self._used.setdefault(name, self._environment.values[name])

    def _command(self, node: Node) -> None:
        """A command. The grammar takes assignments on the lines before it for its own."""
        parts = [*takewhile(lambda part: part.type == "variable_assignment", node.children)]
        count, done = len(parts), 0
        for number, (part, following) in enumerate(pairwise(node.children[: count + 1]), 1):
            if b"\n" in self._syntax.source[part.end_byte : following.start_byte]:
                done = number
        self.visit_all(parts[:done])
        if command_name(node) == ":" and done == count:
            self._defaults(node.children_by_field_name("argument"))
        else:
            self._uncertain(node, parts[:done])

    def _defaults(self, arguments: Iterable[Node]) -> None:
        """``: "${PORT:=4789}"``, which does nothing but this."""
        for node in arguments:
            line = self._syntax.line(node)
            named = names(text(node))
            self._lines = dict.fromkeys(named, line) | self._lines
            try:
                scalar(word(text(node), line), self._environment)
            except Unknowable as error:
                for name in named:
                    self._set(name, error.unknown, line)

    def _declare(self, node: Node) -> None:
        """``declare``, ``export``, ``readonly`` and the like."""
        kind = text(node.children[0])
        written = "".join(text(one) for one in node.children if one.type == "word")
        flags = frozenset(written) if written.startswith("-") else frozenset()
        for one in node.children:
            line = self._syntax.line(one)
            if one.type == "variable_assignment":
                name = self._assign(one)
                if what := self._strange(one, name, kind, flags):
                    self._set(name, Unknown(line, what, _CORRECT), line)
            elif one.type == "variable_name":
                name = text(one)
                if "a" in flags:
                    self._environment.values.setdefault(name, {})
            else:
                continue
            if kind == "readonly" or "r" in flags:
                self._readonly.add(name)

    def _strange(self, node: Node, name: str, kind: str, flags: frozenset[str]) -> str | None:
        """Why a declaration makes something else of an assignment than a plain one would."""
        value = self._environment.values[name]
        if isinstance(value, Unknown):
            return None
        if kind == "local":
            return "local works in functions only"
        if strange := sorted(flags - _HARMLESS_FLAGS):
            return f"vxland doesn't know what {kind} -{strange[0]} makes of it"
        if "i" in flags and not (isinstance(value, str) and value.isdecimal()):
            return "this is computed"
        try:
            written = node.child_by_field_name("value")
            argument = () if written and written.type == "array" else word(text(node), 0)
            several = expanded(argument, 0) != [argument]
        except Unknowable:
            several = True
        return f"{kind} takes braces for several assignments" if several else None

    def _assign(self, node: Node) -> str:
        """Carry out an assignment; returns the variable's name."""
        target, line = node.child_by_field_name("name"), self._syntax.line(node)
        assert target is not None  # noqa: S101 - the grammar has it so
        name = text(target).partition("[")[0]
        value: Value
        try:
            value = self._value(node, target, name, line)
        except Unknowable as error:
            value = error.unknown
        if name in self._readonly:
            value = Unknown(line, f"{name} is read-only here already", _CORRECT)
        self._set(name, value, line)
        return name

    def _set(self, name: str, value: Value, line: int) -> None:
        self._environment.values[name] = value
        if name in self._used:
            if self._used[name] != value:
                self._late[name] = line
        else:
            self._lines[name] = line

    def _value(self, node: Node, target: Node, name: str, line: int) -> Value:
        """What an assignment gives the variable. Raises Unknowable."""
        environment = self._environment
        sign = next(one for one in node.children if text(one) in ("=", "+="))
        adds = text(sign) == "+="
        # Up to the end, since a blank that is escaped isn't in the grammar's value.
        written = text(node)[len(text(target)) + len(text(sign)) :]
        if self._syntax.source[node.end_byte : node.end_byte + 1] not in _ENDS:
            raise Misread(line)
        environment.needs.setdefault(name, set()).update(names(written))
        if written.startswith("("):
            if target.type == "subscript":
                raise Unknowable(Unknown(line, "an element can't be an array", _CORRECT))
            return self._array(written[1:-1], line, self._elements(name, line) if adds else {})
        added = scalar(word(written, line), environment)
        if target.type == "subscript":
            index = target.child_by_field_name("index")
            elements = self._elements(name, line)
            at = self._index(word(text(index), line) if index is not None else (), line)
            return self._placed(elements, at, added, line, adds=adds)
        before = environment.values.get(name)
        if isinstance(before, Mapping):  # its first element is meant
            return self._placed(before, 0, added, line, adds=adds)
        if not adds:
            if isinstance(before, Unknown) and name in self._arrays:
                raise Unknowable(before)  # it is set to this, or its first element is
            return added
        return self._placed(self._elements(name, line, bare=False), 0, added, line, adds=True)[0]

    def _placed(
        self, elements: Mapping[int, str], at: int, added: str, line: int, *, adds: bool
    ) -> dict[int, str]:
        """An array with one element set, or added to."""
        old = elements.get(at, "") if adds else ""
        self._environment.spend(len(elements) + len(old), line)
        return dict(sorted({**elements, at: old + added}.items()))

    def _elements(self, name: str, line: int, *, bare: bool = True) -> dict[int, str]:
        """The elements that a variable has so far; none where it wasn't assigned, if it may be."""
        if bare and name not in self._environment.values and self._environment.shell is None:
            return {}
        before = self._environment.read(name, line)
        return {0: before} if isinstance(before, str) else dict(before)

    def _array(self, written: str, line: int, elements: dict[int, str]) -> dict[int, str]:
        following = max(elements, default=-1) + 1
        for one in words(written, line):
            for index, value in self._items(one, line):
                following = following if index is None else index
                elements[following] = value
                following += 1
        return dict(sorted(elements.items()))

    def _items(self, one: Word, line: int) -> Iterator[tuple[int | None, str]]:
        """A word between an array's parentheses: a few values, or one with its index."""
        closing = one.index("]") if one[0] == "[" and "]" in one else 0
        if closing and expanded(one, line) != [one]:
            raise Unknowable(Unknown(line, "vxland doesn't work out braces after [..]", _CORRECT))
        if closing and one[closing + 1 : closing + 2] == ("=",):
            value = scalar(one[closing + 2 :], self._environment)
            yield self._index(one[1:closing], line), value
        elif closing and one[closing + 1 : closing + 3] == ("+", "="):
            raise Unknowable(Unknown(line, "vxland doesn't work out [..]+= in an array", _CORRECT))
        else:
            yield from ((None, value) for value in fields(one, self._environment, line))

    def _index(self, one: Word, line: int) -> int:
        index = scalar(one, self._environment)
        if not (index.isascii() and index.isdecimal() and len(index) <= len("1023")):
            raise Unknowable(Unknown(line, f"[{index}] isn't a plain index", _CORRECT))
        return int(index)
