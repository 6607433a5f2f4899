"""What docs/migrating.md says about the script is typed, as a reader would."""

import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adoption.scripted import Kept, rules, run_scripts, script_file, scripts_own, text
from tests.lab import Server, Site
from tests.lab.server import VXLAND
from tests.system.quickstart import Step, steps

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

DOCUMENT = Path(__file__).parents[2] / "docs" / "migrating.md"
LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as made:
        run_scripts(made)
        yield made


def section(title: str) -> str:
    """What stands under a heading of the document, down to the next one."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"\n### {title}\n")
    return rest.partition("\n##")[0]


def typed(server: Server, step: Step) -> str:
    """What a command shows; the service is the daemon, started and stopped by the test."""
    match step.command.split():
        case ["systemctl", "enable", "--now", "vxland"]:
            server.start()
            server.settled()
            return ""
        case ["systemctl", "disable", "--now", "vxland"]:
            server.stop()
            return ""
    vxland = f'vxland() {{ {VXLAND} "$@" --config {server.config}; }}'
    script = f"cd {server.config.parent}; {vxland}; {step.command}"
    done = server.run(["bash", "-c", script], check=False)
    return done.stdout + done.stderr


def type_section(server: Server, title: str) -> None:
    """Type all of it, and see what it shows."""
    checker = doctest.OutputChecker()
    found = list(steps(section(title)))
    assert found, title
    for step in found:
        expected = doctest.Example(step.command, step.shown)
        got = typed(server, step)
        assert checker.check_output(expected.want, got, LIKE), (
            f"{step.command}{checker.output_difference(expected, got, LIKE)}"
        )


def by_command(server: Server) -> None:
    """Once more, in short."""
    done = server.vxland("apply", "--adopt")
    assert done.returncode == 0, done.stderr


def test_there_and_back_and_there_again(site: Site) -> None:
    """One server comes over, goes back and comes over again; its guests reach everybody."""
    server = site.servers[0]
    script_file(server)
    server.write(text())
    before = Kept.seen(server)
    type_section(server, "One server after the other")
    site.all_reach()
    assert Kept.seen(server) == before
    type_section(server, "Back to the script")
    site.all_reach()
    assert sum(map(scripts_own, rules(server))) == 2
    links = server.json("ip -d -j link show type vxlan")
    assert not any("ifalias" in link for link in links)
    by_command(server)
    site.all_reach()
    assert Kept.seen(server).mac == before.mac
