"""The file of results: rows as they were measured, with the machine and the moment."""

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.harness import Row


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

    def renewed(self, other: "Results") -> "Results":
        """With those of another run in the place of the same ones; new ones follow what they did.

        What followed nothing that was there is in front of what follows it, or at the end.
        """
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

    def pairs(self) -> list[tuple[Row, dict[str, Any]]]:
        """Each row with its circumstances."""
        return list(zip(self.rows, self.circumstances, strict=True))

    def write(self, path: Path) -> None:
        """Save them: a line for each row, so that two files can be compared."""
        lines = (json.dumps(row.json() | {"measured": seen}) for row, seen in self.pairs())
        path.write_text('{"rows": [\n' + ",\n".join(lines) + "\n]}\n")


def circumstances() -> dict[str, Any]:
    """Of a row that is measured now; ``load`` is the load average of the last minute."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
    }
