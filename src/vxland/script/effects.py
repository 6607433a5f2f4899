"""What a piece of a script may assign, use and call, wherever it does so."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from tree_sitter import Node

from vxland.script.environment import Unknown
from vxland.script.syntax import Syntax, text, walk

EVERYTHING = "*"  # in place of a name: any variable may be meant

# What happens there happens in a process of its own, or only when it is called.
_APART = frozenset(
    {"command_substitution", "function_definition", "pipeline", "process_substitution", "subshell"}
)
_READERS = frozenset({"getopts", "let", "mapfile", "read", "readarray"})
_SOURCES = frozenset({".", "source"})
_SILENT = frozenset(
    {"/etc/init.d/functions", "/etc/rc.d/init.d/functions", "/lib/lsb/init-functions"}
)
# Commands that show or test a value, and do nothing with it.
_HARMLESS = frozenset({":", "[", "echo", "exit", "log", "logger", "printf", "test"})
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?=\Z|[\[=+-])")
_CHANGED = re.compile(r"(?:[-+*/%&|^]|<<|>>)?=|\+\+|--")
_COMPUTED = frozenset({"binary_expression", "postfix_expression", "unary_expression"})


class Effect(Struct, frozen=True):
    """A variable that may be assigned, and how."""

    name: str
    how: Unknown


class Deeds(Struct, frozen=True):
    """What a piece of a script may do."""

    effects: tuple[Effect, ...]
    uses: frozenset[str]  # variables that commands get to see
    calls: frozenset[str]  # names of commands


def deeds(
    node: Node, syntax: Syntax, *, function: bool = False, without: Collection[Node] = ()
) -> Deeds:
    """What is done in and below a node, but for some nodes.

    In a function, ``eval`` is taken to run a command.
    """
    uses: set[str] = set()
    calls: set[str] = set()
    waiting = [(node, False)]
    while waiting:
        found, seen = waiting.pop()
        if found.type == "command":
            name = command_name(found)
            calls.add(name)
            seen = seen or name not in _HARMLESS
        if seen and found.type in ("expansion", "simple_expansion"):
            uses |= {text(one) for one in walk(found) if one.type == "variable_name"}
        waiting += [(child, seen) for child in found.children if child not in without]
    effects = tuple(_effects(node, syntax, function=function, without=without))
    return Deeds(effects, frozenset(uses), frozenset(calls))


def together(first: Deeds, functions: Mapping[str, Deeds]) -> Deeds:
    """These deeds with those of all functions that are called."""
    known, waiting = dict.fromkeys(functions, False), list(first.calls)
    found = [first]
    while waiting:
        name = waiting.pop()
        if known.get(name) is False:
            known[name] = True
            found.append(functions[name])
            waiting += functions[name].calls
    return Deeds(
        tuple(effect for one in found for effect in one.effects),
        frozenset().union(*(one.uses for one in found)),
        frozenset().union(*(one.calls for one in found)),
    )


def command_name(node: Node) -> str:
    """The word that a command begins with; empty where it has none."""
    name = node.child_by_field_name("name")
    return "" if name is None else text(name)


def _effects(
    node: Node, syntax: Syntax, *, function: bool, without: Collection[Node]
) -> Iterator[Effect]:
    body = node.child_by_field_name("body") if node.type == "function_definition" else node
    waiting = [body] if body is not None and body.type not in _APART else []
    while waiting:
        found = waiting.pop()
        for name, what in _assigned(found, function=function):
            yield Effect(name, _unknown(syntax.line(found), name, what))
        waiting += [
            child
            for child in reversed(found.children)
            if child.type not in _APART and child not in without
        ]


def _unknown(line: int, name: str, what: str) -> Unknown:
    if name == EVERYTHING:
        return Unknown(
            line,
            what,
            "Assign the variables after this line, or put their values into a copy of the script",
        )
    return Unknown(line, what, "Assign it once, without a condition, in a copy of the script")


def _assigned(node: Node, *, function: bool) -> Iterator[tuple[str, str]]:
    """The names that a node itself assigns, and in which way."""
    if node.type == "variable_assignment":
        what = (
            "is assigned in a function"
            if function
            else "is assigned under a condition or in a loop"
        )
        yield _base(node.child_by_field_name("name")), what
    elif node.type in ("for_statement", "unset_command"):
        how = "is a loop's variable" if node.type == "for_statement" else "is unset"
        yield from (
            (text(one), how) for one in node.children if one.type in ("variable_name", "word")
        )
    elif node.type in _COMPUTED:
        if any(_CHANGED.fullmatch(text(one)) for one in node.children):
            yield from ((name, "is computed") for name in _names(node.children))
    elif node.type == "expansion":
        names = [text(one) for one in node.children if one.type == "variable_name"]
        if any(text(one) in ("=", ":=") for one in node.children):
            yield from ((name, "is assigned where it is used") for name in names)
    elif node.type == "command":
        yield from _by_command(node, function=function)


def _by_command(node: Node, *, function: bool) -> Iterator[tuple[str, str]]:
    name, arguments = command_name(node), node.children_by_field_name("argument")
    if name in _READERS or (name == "printf" and any(text(one) == "-v" for one in arguments)):
        yield from ((found, f"is assigned by {name}") for found in _names(arguments))
    elif name in _SOURCES and not {text(one).strip("\"'") for one in arguments} & _SILENT:
        yield EVERYTHING, "another file is read here, which may assign anything"
    elif name == "eval" and function:
        written = " ".join(text(one) for one in arguments)
        yield from ((found, "is assigned by eval") for found in re.findall(r"(\w+)\+?=", written))
    elif name == "eval":
        yield EVERYTHING, "eval may assign anything"


def arrays(node: Node) -> set[str]:
    """The variables that a node itself makes arrays of, or may."""
    if node.type == "variable_assignment":
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        of_one = name is not None and name.type == "subscript"
        return {_base(name)} if of_one or (value is not None and value.type == "array") else set()
    declared = node.type == "declaration_command" and re.search(r"\s-\w*[aA]", text(node))
    if declared or (node.type == "command" and command_name(node) in _READERS):
        return {*_names(node.children)}
    return set()


def _base(node: Node | None) -> str:
    """The variable's name, of an element too."""
    match = None if node is None else _NAME.match(text(node))
    return match[1] if match else ""


def _names(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if match := _NAME.match(text(node).strip("\"'")):
            yield match[1]
