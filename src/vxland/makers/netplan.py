"""netplan: YAML, of which it makes files for networkd or NetworkManager (netplan(5))."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vxland.makers.files import NETPLAN as FOLDERS
from vxland.makers.files import Files, in_force
from vxland.makers.subjects import Subject
from vxland.observed import Claim
from vxland.observed.claims import NETPLAN

if TYPE_CHECKING:
    import yaml

KINDS = {"tunnels": "vxlan", "bridges": "bridge"}
DEFAULT_PORT = 4789


def netplan(files: Files, subjects: Sequence[Subject]) -> Iterator[Claim]:
    """Each definition of such a tunnel or bridge; a file that isn't YAML says nothing."""
    if not (paths := in_force(files, FOLDERS, ".yaml")):
        return
    import yaml  # noqa: PLC0415 - few servers have such files

    for path in paths:
        try:
            root = yaml.compose(files[path], yaml.SafeLoader)
        except yaml.YAMLError:
            continue
        for section, definitions in _pairs(_get(root, "network")):
            kind = KINDS.get(section.value, "")
            for name, definition in _pairs(definitions) if kind else ():
                vni, port = _number(_get(definition, "id")), _number(_get(definition, "port"))
                for subject in subjects:
                    if subject.is_made_by(name.value, kind, vni, port or DEFAULT_PORT):
                        yield Claim(
                            *(NETPLAN, subject.device, path, name.start_mark.line + 1),
                            makes=True,
                            overlay=subject.overlay,
                        )


def _pairs(node: "yaml.Node | None") -> Iterator[tuple["yaml.ScalarNode", "yaml.Node"]]:
    """The keys and values of a mapping; none of anything else."""
    if node is not None and node.id == "mapping":
        yield from (pair for pair in node.value if pair[0].id == "scalar")


def _get(node: "yaml.Node | None", wanted: str) -> "yaml.Node | None":
    return next((value for key, value in _pairs(node) if key.value == wanted), None)


def _number(node: "yaml.Node | None") -> int | None:
    is_one = node is not None and node.id == "scalar" and node.value.isdecimal()
    return int(node.value) if node is not None and is_one else None
