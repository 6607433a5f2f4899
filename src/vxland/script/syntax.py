"""The syntax tree of a script."""

import re
from bisect import bisect_right
from collections.abc import Iterator

import tree_sitter_bash
from msgspec import Struct
from tree_sitter import Language, Node, Parser

from vxland.script.environment import Misread

# Where a backslash at the end of a line is just a backslash.
_VERBATIM = frozenset({"ansi_c_string", "comment", "heredoc_body", "heredoc_content", "raw_string"})
_CONTINUED = re.compile(rb"(?<!\\)(?:\\\\)*\\\n")


class Syntax(Struct, frozen=True):
    """A script's tree, with continued lines joined, and where the lines of the file were."""

    root: Node
    source: bytes  # its text, joined so
    joints: tuple[int, ...]  # offsets at which a line was joined to the next one

    def line(self, node: Node) -> int:
        """The line of the file on which something begins, from 1."""
        return node.start_point.row + 1 + bisect_right(self.joints, node.start_byte)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line, continued ones as one, with its number in the file."""
        offset = 0
        for row, line in enumerate(self.source.split(b"\n"), 1):
            yield row + bisect_right(self.joints, offset), line.decode("utf-8", "replace")
            offset += len(line) + 1


def parse(content: bytes) -> Syntax:
    """The tree of a script, whatever line ends it has. Raises Misread where there is a fault."""
    text = content.decode("utf-8-sig", "replace").replace("\0", "").replace("\r\n", "\n")
    source = text.encode()
    parser = Parser(Language(tree_sitter_bash.language()))
    root = parser.parse(source).root_node
    joints: list[int] = []
    joined, kept = bytearray(), 0
    for match in _CONTINUED.finditer(source):
        at = root.descendant_for_byte_range(match.end() - 2, match.end() - 1)
        if at is not None and at.type not in _VERBATIM:
            joined += source[kept : match.end() - 2]
            joints.append(len(joined))
            kept = match.end()
    source = bytes(joined + source[kept:])
    syntax = Syntax(parser.parse(source).root_node if joints else root, source, tuple(joints))
    if syntax.root.has_error:
        faulty = (node for node in walk(syntax.root) if node.is_error or node.is_missing)
        raise Misread(syntax.line(next(faulty, syntax.root)))
    return syntax


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the file's order."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += reversed(found.children)


def text(node: Node) -> str:
    """What is written there."""
    return (node.text or b"").decode("utf-8", "replace")
