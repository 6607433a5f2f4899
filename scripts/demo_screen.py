"""What the demo prints: a line for each check, for a person."""

import os
import sys
import textwrap

INDENT = "    "
GREEN, RED, DIM, BOLD = "32", "31", "2", "1"


class Screen:
    """Standard output; with colours, and the check that runs just now, only on a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = self._terminal and not os.environ.get("NO_COLOR")
        self._good, self._bad = "✓", "✗"
        try:
            f"{self._good}{self._bad}".encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            self._good, self._bad = "ok:", "FAILED:"
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]

    def title(self, text: str) -> None:
        """What this is."""
        self._print(self._paint(text, BOLD))

    def begin(self, what: str) -> None:
        """A check begins."""
        if self._terminal:
            sys.stdout.write(self._paint(f"  {what} …", DIM))
            sys.stdout.flush()

    def held(self, what: str, detail: str) -> None:
        """A check held."""
        self._print(f"{self._paint(self._good, GREEN)} {what}: {detail}")

    def failed(self, what: str, why: str) -> None:
        """A check didn't hold."""
        first, _, more = why.partition("\n")
        self._print(f"{self._paint(self._bad, RED)} {what}: {first}")
        if more:
            self.quote(more)

    def quote(self, text: str) -> None:
        """Lines that belong to the one before."""
        self._print(self._paint(textwrap.indent(text, INDENT), DIM))

    def say(self, text: str) -> None:
        """A line of its own."""
        self._print(text)

    def _print(self, text: str) -> None:
        if self._terminal:
            sys.stdout.write("\r\x1b[K")  # instead of what begin() wrote
        print(text, flush=True)

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text
