"""docs/metrics.md says what a daemon exposes, no more and no less, and tools can read it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.lab import Site
from tests.metrics.scrape import OPENMETRICS, scrape
from tests.prometheus.binary import promtool

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.timeout(120, func_only=True)]

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (\w*) ?\| ([\w, ]*?) ?\| .+ \|$", re.MULTILINE)
FORMULA = re.compile(r"\*\*(\d+) T \+ (\d+) O \+ (\d+) \(O \+ 1\) \+ (\d+)\*\*")


@dataclass(frozen=True)
class Family:
    """A metric as it is documented, or exposed."""

    name: str
    kind: str
    labels: frozenset[str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers; what they expose is only read."""
    with Site(tmp_path_factory.mktemp("site")) as site:
        site.start()
        site.add_containers()
        yield site


@pytest.fixture(scope="module")
def text(site: Site) -> str:
    """What the first one exposes."""
    return scrape(site.servers[0])


def documented() -> list[tuple[str, str, str, frozenset[str]]]:
    rows = ROW.findall(DOCS.read_text())
    return [(*row[:3], frozenset(filter(None, row[3].split(", ")))) for row in rows]


def exposed(text: str) -> set[Family]:
    """The families, without what a histogram adds to each."""
    found = set()
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample in family.samples for label in sample.labels)
        found.add(Family(name, family.type, labels - {"le"}))
    return found


def test_table_is_what_is_exposed(text: str) -> None:
    """Names, types and labels, in both directions, and each once."""
    rows = documented()
    assert len({name for name, *_ in rows}) == len(rows)
    assert {Family(name, kind, labels) for name, kind, _, labels in rows} == exposed(text)


def test_units_are_in_the_names() -> None:
    """By Prometheus's conventions."""
    for name, _, unit, _ in documented():
        named = re.search(r"_(bytes|seconds)(_total)?$", name)
        assert unit == (named[1] if named else ""), name


def test_every_series_is_there(text: str) -> None:
    """No family of a healthy daemon is empty, so that no query on it comes to nothing."""
    assert [f.name for f in text_string_to_metric_families(text) if not f.samples] == []


def test_prometheus_finds_nothing_to_say_against_it(text: str) -> None:
    """Names, units, HELP texts."""
    assert promtool("check", "metrics", text=text) == ""


def test_promtool_would_say_it(text: str) -> None:
    """So that the test above can fail."""
    with pytest.raises(AssertionError, match="no help text"):
        promtool("check", "metrics", text=text + "# TYPE vxland_odd gauge\nvxland_odd 1\n")


def test_openmetrics(site: Site, text: str) -> None:
    """The stricter format holds the same."""
    strict = scrape(site.servers[0], OPENMETRICS)
    families = list(openmetrics.text_string_to_metric_families(strict))  # type: ignore[no-untyped-call]
    names = {sample.name for family in families for sample in family.samples}
    plain = text_string_to_metric_families(text)
    assert names == {sample.name for family in plain for sample in family.samples}


def test_number_of_series_is_as_documented(text: str) -> None:
    """With two tunnels in one overlay. The daemon's own share isn't given too generously."""
    match = FORMULA.search(DOCS.read_text())
    assert match
    per_tunnel, per_overlay, kinds, constant = map(int, match.groups())
    lines = [line for line in text.splitlines() if line.startswith("vxland_")]
    assert per_tunnel == sum('peer="lxd2"' in line for line in lines)
    own = [line for line in lines if 'overlay="' not in line]
    of_the_overlay = [line for line in lines if line.startswith("vxland_overlay_")]
    assert (per_overlay, 2 * kinds) == (
        len(of_the_overlay),
        sum(line.startswith(("vxland_problems{", "vxland_ingress_")) for line in lines),
    )
    assert constant - 10 < len(own) <= constant
    assert len(lines) == 2 * per_tunnel + per_overlay + 2 * kinds + len(own)
