"""The files for Prometheus and Grafana, as they are shipped."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
PROMETHEUS = PROJECT / "packaging" / "prometheus"
RULES = PROMETHEUS / "vxland.rules.yml"
RULES_TESTS = PROMETHEUS / "vxland.rules.test.yml"
EXAMPLE = PROMETHEUS / "prometheus.yml"
DASHBOARD = PROJECT / "packaging" / "grafana" / "vxland.json"
METRICS = PROJECT / "docs" / "metrics.md"
RUNBOOK = PROJECT / "docs" / "runbook.md"

ALERTS = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)
SELECTOR = re.compile(r"\b(?:vxland|process)_\w+(?:\{[^}]*\})?")
VARIABLES = {
    "$instance": ".*",
    "$overlay": ".*",
    "$__rate_interval": "1m",
    "$__interval": "1m",
}


def alerts() -> list[str]:
    """The names of all alerts."""
    return ALERTS.findall(RULES.read_text())


def hurried(rules: str) -> str:
    """The rules for a test that can't wait for minutes: seconds in their place."""
    rules = re.sub(r"\bfor: \w+$", "for: 1s", rules, flags=re.MULTILINE)
    return re.sub(r"\[\d+m\]", "[10s]", rules).replace("_seconds + 60", "_seconds + 2")


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    return dict(json.loads(DASHBOARD.read_text()))


def panels() -> Iterator[dict[str, Any]]:
    """The dashboard's panels, without the rows that hold them."""
    return (panel for panel in dashboard()["panels"] if panel["type"] != "row")


def expressions() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard's, with its panel's title and its variables filled in."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], filled_in(target["expr"])


def filled_in(expression: str) -> str:
    """A query as Grafana would send it."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression
