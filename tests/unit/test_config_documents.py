"""The example, the reference and the JSON Schema say what the schema says."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic_core import PydanticUndefined

from tests.unit.written import errors_in, settings_of, write
from vxland import identity
from vxland.cli import main
from vxland.config.fields import takes
from vxland.config.json_schema import schema
from vxland.config.load import check
from vxland.config.schema import HEADERS, LISTS, TABLES
from vxland.model import Desired
from vxland.observed import Observed
from vxland.plan import plan
from vxland.problems import Kind
from vxland.settings import OverlaySettings, Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "etc" / "vxland.toml.example"
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
KEYS = [f"{name}.{key}" for name, table in (TABLES | LISTS).items() for key in table.model_fields]
FIRST_MESH = re.sub(r"^#(?=[^ :\n])", "", EXAMPLE.read_text(), flags=re.MULTILINE)
WHOLE = re.sub(r"^#: ", "", FIRST_MESH, flags=re.MULTILINE)


def test_the_example_is_valid_and_asks_for_nothing() -> None:
    """Whoever enables the service without having read it gets a daemon that idles."""
    assert Settings() == replace(check(EXAMPLE).settings, digest="")


def test_checking_the_example_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing else, and that it is valid."""
    assert main(["check", str(EXAMPLE)]) == 0
    warning, verdict = capsys.readouterr().out.splitlines()
    assert warning.startswith(f"warning: {EXAMPLE}: has no [[overlay]]")
    assert "Add an [[overlay]] and a [[peer]] for each server" in warning
    assert verdict == f"{EXAMPLE}: valid; overlays: 0, peers: 0"


def test_an_idle_daemon_says_what_to_do_next() -> None:
    """As ``systemctl status`` shows it: one line, and nothing that keeps it out of sync."""
    (problem,) = plan(Observed(), Desired("", ())).problems
    assert problem.kind is Kind.HINT
    assert len(str(problem)) <= 125
    words = ("[[overlay]]", "Uncomment", "[[peer]]", "vxland.toml(5)")
    assert [word for word in words if word not in str(problem)] == []
    assert "/etc" not in str(problem)  # it may have been started with another file


def test_the_example_uncommented_is_a_first_mesh(tmp_path: Path) -> None:
    """The lines behind a single # make a mesh of three, without a warning."""
    checked = check(write(tmp_path, FIRST_MESH))
    expected = (
        (OverlaySettings("lan", "vxbr0"),),
        ["lxd1", "lxd2", "lxd3"],
        (),
    )
    assert expected == (
        checked.settings.overlays,
        [peer.name for peer in checked.settings.peers],
        checked.warnings,
    )


def test_the_example_has_every_key_with_its_default(tmp_path: Path) -> None:
    """The lines behind #: are valid, too, and change nothing."""
    settings = settings_of(tmp_path, WHOLE)
    pair = frozenset({"lxd1", "lxd3"})
    assert (
        (OverlaySettings("lan", "vxbr0", vnis=((pair, 4711),)),),
        Settings().http.listen,
        Settings().interval,
    ) == (settings.overlays, settings.http.listen, settings.interval)


@pytest.mark.parametrize("key", KEYS)
def test_the_example_mentions_every_key(key: str) -> None:
    """Where it belongs, with its default where TOML can write it."""
    table, name = key.split(".")
    field = (TABLES | LISTS)[table].model_fields[name]
    found = tomllib.loads(WHOLE)[table]
    written = (found if table in TABLES else found[0])[name]
    if field.default in (None, PydanticUndefined):
        return
    assert written == (list(field.default) if isinstance(field.default, tuple) else field.default)


@pytest.mark.parametrize("key", KEYS)
def test_only_what_must_be_written_is_a_line_to_uncomment(key: str) -> None:
    """And the overlay's name, which everybody should choose."""
    table, name = key.split(".")
    found = tomllib.loads(FIRST_MESH)[table]
    required = (TABLES | LISTS)[table].model_fields[name].is_required() or key == "overlay.name"
    assert required == (name in (found if table in TABLES else found[0]))


def test_the_reference_has_a_section_for_every_key_and_no_other() -> None:
    """In the order of the schema."""
    assert re.findall(r"^### `(.*)`$", REFERENCE, re.MULTILINE) == KEYS


def sections() -> dict[str, str]:
    """The reference's text of every key."""
    parts = re.split(r"^###? (.*)$", REFERENCE, flags=re.MULTILINE)
    return {title.strip("`"): text for title, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_says_a_keys_default(key: str) -> None:
    """As TOML, or in words where the schema has none."""
    table, name = key.split(".")
    field = (TABLES | LISTS)[table].model_fields[name]
    default = field.default
    text = sections()[key]
    if field.is_required():
        assert "Required." in text
    elif default is None or default == "" or field.default_factory:
        assert "Default: " in text
    else:
        value = list(default) if isinstance(default, tuple) else default
        assert f"Default: `{json.dumps(value)}`" in text


def with_key(key: str, lines: str) -> str:
    """A configuration that has everything it needs, and this key written like this."""
    table, name = key.split(".")
    bodies = dict.fromkeys(HEADERS, "")
    bodies["overlay"] = 'name = "lan"\nbridge = "vxbr0"\n'
    bodies["peer"] = 'name = "lxd1"\naddress = "203.0.113.1"\n'
    bodies["http"] = 'tls_cert = "/a"\ntls_key = "/b"\n'
    bodies[table] = re.sub(rf"^{name} = .*\n", "", bodies[table], flags=re.MULTILINE) + lines
    last = '[[peer]]\nname = "lxd3"\naddress = "203.0.113.3"\n'
    return "".join(f"{HEADERS[name]}\n{body}\n" for name, body in bodies.items()) + last


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_has_a_valid_example_of_every_key(tmp_path: Path, key: str) -> None:
    """A person may copy it."""
    (lines,) = re.findall(r"```toml\n(.*?)```", sections()[key], re.DOTALL)
    assert errors_in(tmp_path, with_key(key, lines)) == ()


@pytest.mark.parametrize("key", KEYS)
def test_messages_have_a_valid_example_of_every_key(tmp_path: Path, key: str) -> None:
    """A person may copy it, too."""
    table, name = key.split(".")
    example = takes((TABLES | LISTS)[table], name).example
    assert errors_in(tmp_path, with_key(key, f"{name} = {example}\n")) == ()


def test_the_references_drop_in_is_valid(tmp_path: Path) -> None:
    """The one about what differs between servers."""
    (example,) = re.findall(r"```toml\n(.*?)```", sections()["The files"], re.DOTALL)
    assert errors_in(tmp_path, FIRST_MESH, this=example) == ()


def test_the_vni_by_hand_is_the_vni() -> None:
    """Whoever copies the lines into a shell gets the number that vxland computes."""
    text = sections()["VNIs by pair"]
    (program,) = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True, timeout=10
    )
    vni = identity.pair_vni("lan", "lxd2", "lxd1")
    assert f"{vni}\n" == done.stdout
    assert f"It prints {vni}." in text


def test_the_references_errors_are_those_that_are_told(tmp_path: Path) -> None:
    """Word by word."""
    (told,) = re.findall(r"```text\n(.*?)```", sections()["Errors and warnings"], re.DOTALL)
    errors = errors_in(
        tmp_path,
        "\n" * 9 + '[[overlay]]\nname = "lan"\nmtu = "1500"\nbridge = "vxbr0"\n',
        **{"50-berlin": '[[peer]]\nname = "lxd4"\nadress = "203.0.113.4"\naddress = "::2:1"\n'},
    )
    lines = [str(error).replace(str(tmp_path), "/etc") for error in errors]
    assert told.splitlines() == lines


def every(part: Any, key: str) -> Iterator[Any]:  # noqa: ANN401 - JSON
    """Every value of a key in a JSON document."""
    if isinstance(part, dict):
        if key in part:
            yield part[key]
        for value in part.values():
            yield from every(value, key)


def test_the_json_schema_has_every_key_with_a_description() -> None:
    """So editors can complete them, and refuse others."""
    actual = schema()
    assert actual["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"title", "description"} <= actual.keys()
    properties = {
        name: actual["$defs"][table.__name__]["properties"]
        for name, table in (TABLES | LISTS).items()
    }
    described = {
        f"{name}.{key}"
        for name, keys in properties.items()
        for key, value in keys.items()
        if value["description"]
    }
    assert set(KEYS) == described
    objects = [actual, *actual["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in objects)


def test_the_json_schema_is_json_without_null() -> None:
    """TOML has none, so no editor should offer it."""
    text = json.dumps(schema())
    assert "null" not in text
    assert None not in every(schema(), "default")
