"""The files for Prometheus and Grafana, by themselves."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.prometheus.binary import promtool
from tests.prometheus.shipped import (
    DASHBOARD,
    EXAMPLE,
    METRICS,
    RULES,
    RULES_TESTS,
    SELECTOR,
    alerts,
    dashboard,
    expressions,
    panels,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

NEEDED = ("severity: ", "summary: ", "description: ", "runbook_url: ")
CASE = re.compile(r"- alertname: (\w+)\n +eval_time: \w+\n +exp_alerts:( \[\])?\n")
LABELS = '{instance="?", overlay="?", peer="?", kind="?", result="?", trigger="?"}'
COLUMNS = 24  # of Grafana's grid


def test_rules_are_rules() -> None:
    promtool("check", "rules", "--lint-fatal", str(RULES))


def test_rules_do_what_they_say() -> None:
    """Each fires when it should, and at no other time (the cases are in the file)."""
    assert "SUCCESS" in promtool("test", "rules", str(RULES_TESTS))


def test_runbook_urls_become_links(tmp_path: Path) -> None:
    """By the command in the file's head, and the one in docs/metrics.md."""
    (command,) = re.findall(r"^#   (sed .*)$", RULES.read_text(), re.MULTILINE)
    assert command.rpartition(" ")[0] in METRICS.read_text()
    linked = subprocess.run(
        ["sh", "-c", command], cwd=RULES.parent, capture_output=True, text=True, check=True
    ).stdout
    copy = tmp_path / "rules.yml"
    copy.write_text(linked)
    promtool("check", "rules", "--lint-fatal", str(copy))
    urls = re.findall("runbook_url: (.*)", linked)
    assert len(urls) == len(alerts())
    assert all(url.startswith("https://docs.example.net/vxland/runbook.md#") for url in urls)


def test_every_alert_has_cases() -> None:
    """One in which it fires, one before, and one after that."""
    seen: dict[str, list[bool]] = {}
    for name, nothing in CASE.findall(RULES_TESTS.read_text()):
        seen.setdefault(name, []).append(not nothing)
    assert set(seen) == set(alerts()) != set()
    for name, fires in seen.items():
        assert any(fires), name
        assert (fires[0], fires[-1]) == (False, False), name


def test_every_alert_says_what_and_where() -> None:
    texts = re.split(r"^ +- alert: ", RULES.read_text(), flags=re.MULTILINE)[1:]
    assert len(texts) == len(set(alerts()))
    for text in texts:
        name = text.split("\n")[0]
        assert [word for word in NEEDED if word not in text] == [], name
        assert name == "VxlandAbsent" or "$labels.instance" in text, name
        assert f"#{name.lower()}\n" in text


def test_example_is_a_configuration() -> None:
    promtool("check", "config", "--syntax-only", str(EXAMPLE))


def test_dashboard_has_its_variables() -> None:
    """Data source, servers and overlays are chosen at its top, and no other source is named."""
    names = [variable["name"] for variable in dashboard()["templating"]["list"]]
    assert names == ["datasource", "instance", "overlay"]
    sources = re.findall(r'"uid": "([^"]*)"', DASHBOARD.read_text())
    assert set(sources) == {"${datasource}", "vxland"}


def test_every_panel_follows_the_variables() -> None:
    text = {panel["title"]: str(panel["targets"]) for panel in panels()}
    assert [title for title, targets in text.items() if "$instance" not in targets] == ["Alerts"]
    left = [expression for _, expression in expressions() if "$" in expression]
    assert left == []


@pytest.mark.parametrize("steps", [{"a": 10, "b": 0}, {"a": 0, "b": 0}], ids=["one", "none"])
def test_no_panel_shows_a_sum_beside_its_parts(tmp_path: Path, steps: dict[str, int]) -> None:
    """What moves is a line, what stands still isn't; nothing at all is one line, too."""
    asked = [text for _, text in expressions() if " or " in text]
    names = {selector.split("{")[0] for text in asked for selector in SELECTOR.findall(text)}
    series = [
        {"series": name + LABELS.replace("?", of), "values": f"0+{step}x40"}
        for name in sorted(names)
        for of, step in steps.items()
    ]
    tests = [
        {"expr": f"count({text})", "eval_time": "5m", "exp_samples": [{"labels": "{}", "value": 1}]}
        for text in asked
    ]
    assert len(tests) > 8
    file = tmp_path / "panels.yml"
    file.write_text(
        json.dumps(
            {"tests": [{"interval": "15s", "input_series": series, "promql_expr_test": tests}]}
        )
    )
    promtool("test", "rules", str(file))


def test_panels_lie_beside_one_another() -> None:
    """No two on the same place, none outside, no id twice."""
    taken: set[tuple[int, int]] = set()
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    for panel in every:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= COLUMNS
        assert not cells & taken, panel["title"]
        taken |= cells
