"""docs/runbook.md has what each alert leads to, and a section for everything that can be said."""

import re

import pytest

from tests.prometheus.shipped import RULES, RUNBOOK, alerts
from vxland.cli import COMMANDS
from vxland.hints import HINTS
from vxland.hints.bridge_filter import filtered_bridge
from vxland.hints.fragments import lost_fragments
from vxland.hints.held_down import held_down
from vxland.hints.isolated_ports import isolated_ports
from vxland.hints.large_bridge import large_bridge
from vxland.hints.large_ports import large_ports
from vxland.hints.makers import makers
from vxland.hints.not_alone import not_alone
from vxland.hints.others_tunnels import others_tunnels
from vxland.hints.uncounted import uncounted
from vxland.hints.unfiltered import unfiltered
from vxland.journal.messages import WARNING, Message
from vxland.loop.silence import Silence
from vxland.problems import Kind

pytestmark = pytest.mark.timeout(120, func_only=True)

SECTION = re.compile(r"^#{2,3} (.+)\n((?:(?!^#{2,3} ).*\n)*)", re.MULTILINE)
LINK = re.compile(r"\(#([a-z_-]+)\)")


HINTED = {
    large_ports: "Guest ports with too large an MTU",
    large_bridge: "A bridge with too large an MTU",
    held_down: "A bridge whose MTU the tunnels hold down",
    lost_fragments: "An mtu that loses packets",
    filtered_bridge: "br_netfilter and a FORWARD policy of DROP",
    isolated_ports: "Isolated guest ports",
    unfiltered: "An overlay that isn't filtered",
    not_alone: "A port that isn't the overlay's alone yet",
    others_tunnels: "Others' tunnels on a port of one's own",
    uncounted: "Peers that aren't counted",
    makers: "Files that have others make or manage the same",
    Silence: "A missing or silent peer",
}


def sections() -> dict[str, str]:
    """The text below each heading."""
    return dict(SECTION.findall(RUNBOOK.read_text()))


def anchors() -> set[str]:
    """As GitHub and most others make them of headings."""
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in sections()}


def test_every_alert_leads_to_a_section() -> None:
    urls = re.findall(r"runbook_url: (\S+)#(\S+)", RULES.read_text())
    assert len(urls) == len(alerts())
    assert {path for path, _ in urls} == {"/usr/share/doc/vxland/docs/runbook.md"}
    assert {anchor for _, anchor in urls} <= anchors()


def test_every_alert_and_kind_and_error_has_a_section() -> None:
    """Errors by what the journal calls them."""
    errors = [message for message in Message if message.priority <= WARNING]
    said = {message.name.lower().replace("config_", "configuration ") for message in errors}
    wanted = {*alerts(), *(kind.value for kind in Kind), *(e.replace("_", " ") for e in said)}
    assert len(said) > len(Kind)
    assert wanted - sections().keys() == set()


def test_every_hint_has_a_section() -> None:
    """With a display of commands."""
    assert set(HINTED) == {*HINTS, Silence}
    for title in HINTED.values():
        assert "```sh" in sections()[title]


def test_every_section_says_something() -> None:
    """And those of alerts either how to look or where it goes on."""
    for title, text in sections().items():
        if title not in {"Alerts", "Hints", "Other errors"}:
            assert len(text.split()) > 5, title
        if title in alerts():
            assert "```sh" in text or LINK.search(text) or "`promtool" in text, title


def test_links_lead_somewhere() -> None:
    assert set(LINK.findall(RUNBOOK.read_text())) - anchors() == set()


def test_commands_are_vxlands() -> None:
    """Subcommands that there are."""
    said = set(re.findall(r"^vxland (\w+)", RUNBOOK.read_text(), re.MULTILINE))
    assert said <= {command.name for command in COMMANDS}
