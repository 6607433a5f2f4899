"""Types what docs/guests/ says, as a reader would."""

import doctest
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.guests.host import Host
from tests.system.quickstart import Step, steps

DOCUMENTS = Path(__file__).parents[2] / "docs" / "guests"
LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Instead = Callable[[Host, Step], str | None]


def sections(name: str) -> dict[str, str]:
    """What stands under each heading of a document, down to the next one."""
    _, *parts = re.split(r"^#+ (.*)\n", text(name), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def text(name: str, section: str = "") -> str:
    """A document, or what stands under one of its headings."""
    whole = (DOCUMENTS / name).read_text(encoding="utf-8")
    return sections(name)[section] if section else whole


def config(name: str, section: str = "") -> str:
    """The configuration that is shown there."""
    (shown,) = TOML.findall(text(name, section))
    return str(shown)


def type_recipe(
    hosts: Mapping[str, Host], name: str, section: str = "", instead: Instead = lambda _, __: None
) -> None:
    """Type all commands of a document, or of a section, and see what they show.

    ``instead`` is asked for each first: what it returns was shown by something in its place.
    """
    checker = doctest.OutputChecker()
    typed = list(steps(text(name, section)))
    assert typed, f"{name}: no command is under {section!r}"
    for step in typed:
        host = hosts[step.machine]
        got = instead(host, step)
        if got is None:
            got = host.typed(step.command)
        expected = doctest.Example(step.command, step.shown)
        assert checker.check_output(expected.want, got, LIKE), (
            f"{name}: {section}: {step.machine}: {step.command}"
            + checker.output_difference(expected, got, LIKE)
        )
