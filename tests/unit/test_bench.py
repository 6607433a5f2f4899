"""What the bench makes of its figures: nothing here measures anything."""

from functools import partial
from itertools import count
from pathlib import Path

import pytest

from bench.document import fill
from bench.growth import growths
from bench.harness import Row, Spread, in_turns
from bench.results import Results, circumstances, this_run
from bench.table import line

COLD = "cold convergence, mesh"
STORM = "storm: 1,000 deletions at once"


def row(peers: int, cost: float, floor: float = 1.0) -> Row:
    """One that was measured twice."""
    figure, reference = Spread((cost, cost * 2)), Spread((floor, floor))
    others = {"ip -batch": Spread((3.0,))}
    return Row(COLD, peers, figure, reference=reference, against="floor", limit=2, others=others)


def test_growth_is_told_from_size_to_size() -> None:
    """By the exponents; the last one says whether it is worse than linear."""
    found = {growth.who: growth for growth in growths([row(10, 1), row(100, 1), row(1000, 100)])}
    assert found["vxland"].exponents == pytest.approx((0, 2))
    assert found["vxland"].is_worse_than_linear
    assert found["floor"].exponents == (0, 0)
    assert not found["floor"].is_worse_than_linear


def test_one_size_has_no_growth() -> None:
    assert list(growths([row(10, 1)])) == []


def test_what_should_be_large_is_no_cost() -> None:
    rate = [Row("data plane", peers, Spread((1.0,)), "B/s", least=True) for peers in (2, 100)]
    assert list(growths(rate)) == []


@pytest.mark.parametrize(("slow", "third"), [(60.0, (1, 2)), (0.0, (0,))])
def test_every_way_takes_its_turn(slow: float, third: tuple[int, ...]) -> None:
    """The first round doesn't count, and what is slow is tried once, but for the first two."""
    numbers = {name: count() for name in ("vxland", "floor", "script")}
    ways = {name: partial(next, numbers[name]) for name in numbers}
    seen = in_turns(ways, 2, slow)
    assert seen["vxland"].values == seen["floor"].values == (1, 2)
    assert seen["script"].values == third


def test_the_first_two_may_take_more_turns() -> None:
    """What their ratio is told of; the others only show how far away they are."""
    taken: list[str] = []
    ways = {name: partial(taking, taken, name) for name in ("vxland", "floor", "script")}
    seen = in_turns(ways, 1, pairs=2)
    assert [len(spread.values) for spread in seen.values()] == [2, 2, 1]
    assert taken == ["vxland", "floor", "script"] * 2 + ["vxland", "floor"]
    fewer = in_turns(ways, 2, pairs=1)
    assert [len(spread.values) for spread in fewer.values()] == [2, 2, 2]


def taking(taken: list[str], name: str) -> float:
    """Whose turn it is."""
    taken.append(name)
    return 1.0


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Those that are measured again take the place of the old ones, and only those."""
    path = tmp_path / "results"
    now = circumstances(this_run(), "cold")
    old = Results((row(10, 1), row(100, 4)), (now | {"load": 1}, now | {"load": 2}))
    old.write(path)
    assert Results.read(path) == old
    new = old.renewed(Results((row(100, 5), row(1000, 6)), (now | {"load": 3},) * 2))
    assert [seen.peers for seen in new.rows] == [10, 100, 1000]
    assert [seen.figure.values[0] for seen in new.rows] == [1, 5, 6]
    assert [seen["load"] for seen in new.circumstances] == [1, 3, 3]
    assert Results.read(tmp_path / "none") == Results((), ())


def test_rows_that_there_were_once_go() -> None:
    """Where all of their module was measured anew; and where everything was, all others."""
    seen = [{"run": "1", "module": module} for module in ("cold", "cold", "idle", "gone")]
    old = Results(tuple(map(named, "abcd")), tuple(seen))
    new = Results(tuple(map(named, "ae")), ({"run": "2", "module": "cold"},) * 2)
    assert order(old.renewed(new)) == "aebcd"
    assert order(now := old.renewed(new, complete=True)) == "aecd"
    assert now.last_run == "2"
    assert order(now.of_run("2")) == "ae"


def test_new_results_are_where_they_belong() -> None:
    """After what they followed when they were measured, in front of what follows them."""
    old = Results(tuple(map(named, "adgx")), ({},) * 4)
    assert order(old.renewed(Results(tuple(map(named, "defg")), ({},) * 4))) == "adefgx"
    assert order(old.renewed(Results(tuple(map(named, "cd")), ({},) * 2))) == "acdgx"
    assert order(old.renewed(Results((named("y"),), ({},)))) == "adgxy"
    assert order(Results((), ()).renewed(Results((), ()))) == ""


def named(what: str) -> Row:
    """One of this name."""
    return Row(what, 10, Spread((1.0,)))


def order(results: Results) -> str:
    """All names."""
    return "".join(row.what for row in results.rows)


def test_a_limit_is_of_the_ratio() -> None:
    """And said to be missed where it is."""
    assert "= 1.50 (1.00 to 2.00) x floor (1 s) [at most 2 x: reached]" in line(row(10, 1))
    assert "MISSED" in line(row(10, 2))
    rate = Row("data plane", 2, Spread((2e6,)), "B/s", limit=3e6, least=True)
    assert line(rate) == "data plane, 2 peers: 2 MB/s [at least 3 MB/s: MISSED]"


def test_where_the_median_is() -> None:
    """By the order of so many rounds: of twenty between the 6th and the 15th; of five nobody knows.

    A ratio of many rounds is told with it.
    """
    assert Spread(tuple(map(float, range(1, 21)))).certain == (6, 15)
    assert Spread((1.0, 2.0, 3.0, 4.0, 5.0)).certain is None
    many = Spread(tuple(map(float, range(1, 41))))
    seen = Row("data plane", 2, many, reference=Spread((1.0,) * 40), against="unguarded")
    assert "= 20.500 (median: 14.000 to 27.000) x unguarded" in line(seen)


def test_a_document_is_filled(tmp_path: Path) -> None:
    """Each table where it is named, as often as one likes; what is around them stays."""
    path = tmp_path / "document.md"
    tables = ("machine", "rows", "storms", "growth")
    blocks = (f"<!-- table: {name} -->\nstale\n<!-- end -->\nstays\n" for name in tables)
    path.write_text("".join(blocks))
    storm = [
        Row(f"{STORM}, turns", 1000, Spread((2,)), ""),
        Row(f"{STORM}, memory", 1000, Spread((8e7,)), "B", limit=7e7),
    ]
    rows = (row(10, 1), row(100, 2), *storm)
    older, newer = {"run": "1", "commit": "c0ffee"}, {"run": "2", "commit": ""}
    seen = [circumstances(run, "cold") for run in (newer, older, newer, newer)]
    for _ in range(2):
        fill(path, Results(rows, tuple(seen)))
    text = path.read_text()
    assert f"| {COLD} ({seen[1]['date']}, c0ffee) | 100 |" in text
    assert "stale" not in text
    assert text.count("stays") == len(tables)
    assert text.count(f"| {COLD} | 10 |") == 1
    assert "| storm | turns | memory |\n| --- | --- | --- |\n" in text
    assert "| 1,000 deletions at once | 2 | 80 MB **missed** |" in text
    assert f"| {COLD} | vxland | 10 → 100 | 0.30 |" in text
