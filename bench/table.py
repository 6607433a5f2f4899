"""The table of results, for people."""

from bench.harness import Row, Spread

UNITS = {"s": (1e3, "ms"), "B": (1e-6, "MB"), "B/s": (1e-6, "MB/s"), "%": (1, "%")}


def line(row: Row) -> str:
    """A row with its ratio, its limit, and what else was measured beside it."""
    parts = [f"{row.what}, {row.at}:", _figure(row.figure, row.unit)]
    if row.reference is not None:
        parts.append(f"= {_spread(row.held)} x {row.against} ({_one(row.reference, row.unit)})")
    if row.limit is not None:
        limit = f"{row.limit:g} x" if row.reference else _figure_of(row.limit, row.unit)
        parts.append(f"[{'at least' if row.least else 'at most'} {limit}:")
        parts.append("reached]" if row.reached else "MISSED]")
    parts += [f"| {name} {_one(seen, row.unit)}" for name, seen in (row.others or {}).items()]
    return " ".join(parts)


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({min(spread.values):.2f} to {max(spread.values):.2f})"


def _figure(spread: Spread, unit: str) -> str:
    scale, name = UNITS[unit]
    least, most = min(spread.values) * scale, max(spread.values) * scale
    return f"{spread.median * scale:.4g} {name} ({least:.4g} to {most:.4g})"


def _one(spread: Spread, unit: str) -> str:
    return _figure_of(spread.median, unit)


def _figure_of(value: float, unit: str) -> str:
    scale, name = UNITS[unit]
    return f"{value * scale:.4g} {name}"
