"""Reads docs/quickstart.md: what is typed where, and what it shows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "quickstart.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"root@(?P<machine>\w+):~# (?P<command>.+\n)")
MORE = re.compile(r"> ?(?P<command>.*\n)")  # the prompt within a heredoc


@dataclass
class Step:
    """A command, in which line of the document it is, and what the document shows for it."""

    line: int
    machine: str
    command: str
    shown: str = ""


def steps(text: str) -> Iterator[Step]:
    """All commands of a document, in its order."""
    for block in CONSOLE.finditer(text):
        step = None
        first = text.count("\n", 0, block.start(1)) + 1
        for number, line in enumerate(block[1].splitlines(keepends=True), first):
            if typed := PROMPT.fullmatch(line):
                if step:
                    yield step
                step = Step(number, typed["machine"], typed["command"])
            elif step is None:
                message = f"line {number}: a console begins with a prompt, not {line!r}"
                raise ValueError(message)
            elif not step.shown and (more := MORE.fullmatch(line)):
                step.command += more["command"]
            else:
                step.shown += line
        if step:
            yield step
