"""The results for people: as lines on a terminal, and as a table in a document."""

from bench.growth import Growth
from bench.harness import Row, Spread

UNITS = {"B": (1e-6, "MB"), "B/s": (1e-6, "MB/s"), "%": (1.0, "%"), "": (1.0, "")}
MANY = 20  # rounds
SECOND, MILLISECONDS = (1.0, "s"), (1e3, "ms")


def line(row: Row) -> str:
    """A row with its ratio, its limit, and what else was measured beside it."""
    parts = [f"{row.what}, {row.peers:,} peers:", _ranged(row.figure, row.unit)]
    if row.reference is not None:
        parts.append(f"= {_ratio(row.held)} x {row.against} ({_one(row.reference, row.unit)})")
    if row.limit is not None:
        parts.append(f"[{_limit(row)}: {'reached' if row.reached else 'MISSED'}]")
    parts += [f"| {name} {_one(seen, row.unit)}" for name, seen in (row.others or {}).items()]
    return " ".join(parts)


def markdown(row: Row) -> str:
    """The same as a line of a table."""
    others = [f"{name} {_one(seen, row.unit)}" for name, seen in (row.others or {}).items()]
    if row.reference is not None:
        others.insert(0, f"{row.against} {_one(row.reference, row.unit)}")
    cells = (
        row.what,
        f"{row.peers:,}",
        _ranged(row.figure, row.unit),
        ", ".join(others),
        _ratio(row.held) if row.reference else "",
        _limit(row),
        {None: "", True: "reached", False: "**missed**"}[row.reached],
    )
    return f"| {' | '.join(cells)} |"


def figure(row: Row) -> str:
    """The figure alone."""
    return _ranged(row.figure, row.unit)


def growth_line(growth: Growth) -> str:
    """The exponents, from each size to the next."""
    sizes = " → ".join(f"{peers:,}" for peers, _ in growth.points)
    exponents = ", ".join(f"{exponent:.2f}" for exponent in growth.exponents)
    worse = " WORSE THAN LINEAR" if growth.is_worse_than_linear else ""
    return f"growth of {growth.what}, {growth.who}, {sizes} peers: {exponents}{worse}"


def growth_markdown(growth: Growth) -> str:
    """The same as a line of a table."""
    sizes = " → ".join(f"{peers:,}" for peers, _ in growth.points)
    exponents = ", ".join(f"{exponent:.2f}" for exponent in growth.exponents)
    worse = "**worse than linear**" if growth.is_worse_than_linear else ""
    return f"| {growth.what} | {growth.who} | {sizes} | {exponents} | {worse} |"


def _limit(row: Row) -> str:
    if row.limit is None:
        return ""
    limit = f"{row.limit:g} x" if row.reference else _of(row.limit, row.unit)
    return f"{'at least' if row.least else 'at most'} {limit}"


def _ratio(spread: Spread) -> str:
    """With its range; of many rounds with where the median is, which is what they are for."""
    if len(spread.values) >= MANY and spread.certain is not None:
        least, most = spread.certain
        return f"{spread.median:.3f} (median: {least:.3f} to {most:.3f})"
    return f"{spread.median:.2f} ({min(spread.values):.2f} to {max(spread.values):.2f})"


def _ranged(spread: Spread, unit: str) -> str:
    least, most = min(spread.values), max(spread.values)
    if least == most:
        return _one(spread, unit)
    return f"{_one(spread, unit)} ({_of(least, unit)} to {_of(most, unit)})"


def _one(spread: Spread, unit: str) -> str:
    return _of(spread.median, unit)


def _of(value: float, unit: str) -> str:
    seconds = SECOND if value >= 1 else MILLISECONDS
    scale, name = seconds if unit == "s" else UNITS[unit]
    return f"{value * scale:.3g} {name}".strip()
