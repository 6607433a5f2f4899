"""The file of results: rows as they were measured, with the machine, the moment and the commit."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.harness import Row

RUN, MODULE = "run", "module"  # of circumstances


@dataclass(frozen=True, slots=True)
class Results:
    """Rows, and where and when each of them was measured."""

    rows: tuple[Row, ...]
    circumstances: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Those of a file; none where there isn't one."""
        entries = json.loads(path.read_text())["rows"] if path.exists() else []
        rows = tuple(Row.read(entry) for entry in entries)
        return cls(rows, tuple(entry["measured"] for entry in entries))

    def renewed(self, other: "Results", *, complete: bool = False) -> "Results":
        """With those of another run in the place of the same ones; new ones follow what they did.

        What followed nothing that was there is in front of what follows it, or at the end. Where
        the others are ``complete``, all that their modules measure, those of these modules that
        aren't among them are rows that there were once, and go.
        """
        if complete:
            modules = {seen.get(MODULE) for seen in other.circumstances}
            return self._only(
                lambda row, seen: seen.get(MODULE, "") not in modules or row.key in other.keys
            ).renewed(other)
        found = {row.key: (row, seen) for row, seen in (*self.pairs(), *other.pairs())}
        order = [row.key for row in self.rows]
        new = [row.key for row in other.rows]
        place = next((order.index(key) for key in new if key in order), len(order))
        for key in new:
            if key not in order:
                order.insert(place, key)
            place = order.index(key) + 1
        pairs = [found[key] for key in order]
        return Results(tuple(row for row, _ in pairs), tuple(seen for _, seen in pairs))

    @property
    def keys(self) -> frozenset[tuple[str, int]]:
        """What there are rows of."""
        return frozenset(row.key for row in self.rows)

    def of_run(self, run: str) -> "Results":
        """Those measured in this run alone."""
        return self._only(lambda _, seen: seen.get(RUN) == run)

    @property
    def last_run(self) -> str:
        """The run of the newest ones."""
        return max((seen.get(RUN, "") for seen in self.circumstances), default="")

    def _only(self, wanted: Callable[[Row, dict[str, Any]], bool]) -> "Results":
        pairs = [(row, seen) for row, seen in self.pairs() if wanted(row, seen)]
        return Results(tuple(row for row, _ in pairs), tuple(seen for _, seen in pairs))

    def pairs(self) -> list[tuple[Row, dict[str, Any]]]:
        """Each row with its circumstances."""
        return list(zip(self.rows, self.circumstances, strict=True))

    def write(self, path: Path) -> None:
        """Save them: a line for each row, so that two files can be compared."""
        lines = (json.dumps(row.json() | {"measured": seen}) for row, seen in self.pairs())
        path.write_text('{"rows": [\n' + ",\n".join(lines) + "\n]}\n")


def this_run() -> dict[str, str]:
    """When it began, and of which commit it is, if that can be told."""
    describe = ("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty")
    commit = ""
    if shutil.which("git"):
        done = subprocess.run(describe, check=False, capture_output=True, text=True)
        commit = done.stdout.strip()
    return {RUN: datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit}


def circumstances(run: Mapping[str, str], module: str) -> dict[str, Any]:
    """Of a row that is measured now; ``load`` is the load average of the last minute."""
    return {
        **run,
        MODULE: module,
        "date": datetime.now(UTC).date().isoformat(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
    }
