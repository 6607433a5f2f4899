"""Fills the tables of a document from results, between comments that name them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench.growth import growths
from bench.harness import Row
from bench.results import RUN, Results
from bench.table import figure, growth_markdown, markdown

STORM = "storm: "  # how the names of such rows begin
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(path: Path, results: Results) -> None:
    """Write each table that the document names anew."""

    def filled(match: re.Match[str]) -> str:
        return match[1] + "\n".join(TABLES[match[2]](results)) + "\n" + match[3]

    path.write_text(BLOCK.sub(filled, path.read_text()))


def _rows(results: Results) -> Iterator[str]:
    yield "| what | peers | vxland | beside it | ratio | must reach | |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row, mark in _marked(results):
        if not row.what.startswith(STORM):
            yield markdown(replace(row, what=f"{row.what}{mark}"))


def _storms(results: Results) -> Iterator[str]:
    """A line for each storm, with what its rows have in common as columns."""
    found: dict[str, dict[str, str]] = {}
    for row, mark in _marked(results):
        if row.what.startswith(STORM):
            storm, _, what = row.what.removeprefix(STORM).rpartition(", ")
            storm += mark
            missed = " **missed**" if row.reached is False else ""
            found.setdefault(storm, {})[what] = figure(row) + missed
    columns = list(dict.fromkeys(what for seen in found.values() for what in seen))
    yield f"| storm | {' | '.join(columns)} |"
    yield f"| --- |{' --- |' * len(columns)}"
    for storm, seen in found.items():
        yield f"| {storm} | {' | '.join(seen.get(what, '') for what in columns)} |"


def _marked(results: Results) -> Iterator[tuple[Row, str]]:
    """Each row, and of which older run it is, unless it is of the last one."""
    for row, seen in results.pairs():
        older = seen.get(RUN, "") != results.last_run
        when = ", ".join(filter(None, (seen["date"], seen.get("commit"))))
        yield row, f" ({when})" if older else ""


def _growth(results: Results) -> Iterator[str]:
    yield "| what | who | peers | exponents | |"
    yield "| --- | --- | --- | --- | --- |"
    yield from (growth_markdown(growth) for growth in growths(results.rows))


def _machine(results: Results) -> Iterator[str]:
    """Each kind of circumstances once, and how busy it was."""
    loads: dict[str, list[float]] = {}
    for seen in results.circumstances:
        where = f"Linux {seen['kernel']}, Python {seen['python']}, {seen['cores']} cores"
        when = " of ".join(filter(None, (seen["date"], seen.get("commit"))))
        loads.setdefault(f"{when}: {where}", []).append(seen["load"])
    for where, load in loads.items():
        busy = f"{min(load):g} to {max(load):g}"
        yield f"- {where}, at a load average of {busy}, of which the measurement itself is a part."


TABLES: Mapping[str, Callable[[Results], Iterator[str]]] = {
    "rows": _rows,
    "storms": _storms,
    "growth": _growth,
    "machine": _machine,
}
