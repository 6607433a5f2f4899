"""NetworkManager: profiles in keyfiles (nm-settings-keyfile(5)), which only root can read."""

from collections.abc import Iterator, Sequence

from vxland.makers.files import NETWORK_MANAGER as FOLDERS
from vxland.makers.files import Files, in_force
from vxland.makers.ini import last, number, parse
from vxland.makers.subjects import Subject
from vxland.observed import Claim
from vxland.observed.claims import NETWORK_MANAGER

DEFAULT_PORT = 8472  # vxlan.destination-port


def network_manager(files: Files, subjects: Sequence[Subject]) -> Iterator[Claim]:
    """Each profile that is for one of these devices by its name, or makes one of their VNI."""
    for path in in_force(files, FOLDERS, ""):
        sections = parse([(path, files[path])])
        name = last(sections, "connection", "interface-name")
        kind = last(sections, "connection", "type")
        if name is None or kind is None:
            continue
        vni = number(last(sections, "vxlan", "id"))
        port = number(last(sections, "vxlan", "destination-port"), DEFAULT_PORT)
        for subject in subjects:
            if subject.is_made_by(name.text, kind.text, vni, port or DEFAULT_PORT):
                yield Claim(
                    *(NETWORK_MANAGER, subject.device, path, name.line),
                    makes=True,
                    overlay=subject.overlay,
                )
