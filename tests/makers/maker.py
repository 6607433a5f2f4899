"""A server on which another program makes a mesh, and what docs/migrating.md says to type there."""

import re
import shlex
import subprocess
import textwrap
from pathlib import Path
from typing import Any

from tests.lab import eventually
from tests.lab.server import BOUND, VXLAND
from tests.neighbours.host import Host
from tests.system.roots import PROJECT

DOCUMENT = (PROJECT / "docs" / "migrating.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^#{2,} (.*)\n", re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """What stands under a heading, down to the next one."""
    _, *parts = HEADING.split(DOCUMENT)
    return dict(zip(parts[::2], parts[1::2], strict=True))[title]


def shown(title: str, kind: str) -> str:
    """The one display of this kind there."""
    (block,) = (text for found, text in BLOCK.findall(section(title)) if found == kind)
    return textwrap.dedent(block)


# For vxland, which runs outside the root, the files that others leave are the root's, as they
# change: a folder's entries become links, of which some lead there.
SEEN = """
root=$1
shift
relink() {
  folder=$1
  shift
  real=$(mktemp -d /run/real.XXXXXX)
  mount --bind "$folder" "$real"
  mount -t tmpfs tmpfs "$folder"
  ln -s "$real"/* "$folder"
  for name; do
    ln -sfn "$root$folder/$name" "$folder/$name"
  done
}
relink /etc systemd network netplan NetworkManager
relink /usr/lib/systemd network
for name in systemd udev NetworkManager; do
  mkdir -p "/run/$name" "$root/run/$name"
  mount --bind "$root/run/$name" "/run/$name"
done
exec "$@"
"""


class Maker(Host):
    """One where ``ip`` and vxland run outside the root, and the others in it."""

    def __init__(self, folder: Path, root: Path) -> None:
        super().__init__(folder, root)
        self._root = f"/proc/{self._holder.pid}/root"

    def seeing(self) -> list[str]:
        """Words before a command that is to see the root's files."""
        return ["unshare", "--mount", "--propagation=private", "sh", "-ec", SEEN, "sh", self._root]

    def vxland(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command of vxland's."""
        command = [*self.seeing(), str(VXLAND), *words, "--config", str(self.config)]
        return self.run(command, check=check)

    def look_up(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """The devices of these kinds, by name."""
        links = self.json("ip -d -j link show")
        return {
            link["ifname"]: link
            for link in links
            if link.get("linkinfo", {}).get("info_kind") in (kinds or ("vxlan", "bridge"))
            and link["ifname"] != "br0"
        }

    def numbers(self) -> dict[str, int]:
        """Their indexes: a device made anew has another one."""
        return {name: link["ifindex"] for name, link in self.look_up().items()}

    def typed(self, words: str) -> str:
        """What a command in the root prints, which must succeed."""
        return self.run([*self.inside("sh -ec"), words]).stdout

    def type_steps(self, title: str) -> str:
        """Do what is displayed under a heading, as root would on the server; what is printed."""
        lines = shown(title, "sh").splitlines()
        return "".join(self.type_line(line.partition("  #")[0].strip()) for line in lines)

    def type_line(self, command: str) -> str:
        """Do one of them; whatever needs the booted machine is done in its place."""
        if command == "systemctl enable --now vxland":
            self.start(before=(*BOUND, *self.seeing()))
            self.settled()
            return ""
        if command == "systemctl disable --now vxland":
            assert self.stop() == 0
            return ""
        if not command.startswith("vxland "):
            return self.typed(command)
        done = self.vxland(*shlex.split(command)[1:])
        assert done.returncode in ((0, 2) if "plan" in command else (0,)), done
        return done.stdout

    def master(self, port: str) -> str:
        """The bridge that this is a port of."""
        link = self.link(port)
        assert link is not None, port
        return str(link.get("master", ""))

    def is_vxlands(self) -> None:
        """Wait until vxland has nothing to do, and nobody's files are in its way."""
        said: list[str] = []

        def quiet() -> bool:
            said[:] = [self.vxland("plan", "--adopt").stdout]
            return said == ["nothing to do\n"]

        eventually(quiet, lambda: f"{self.name} has nothing to do: {said}", patience=60)
