"""Two servers with vxland, and the programs that guests need."""

import contextlib
from pathlib import Path

from tests.guests.host import Host
from tests.lab import Site
from tests.lab.site import config


class GuestSite(Site):
    """Servers lxd1 and lxd2, each with a Debian root."""

    def __init__(self, folder: Path, root: Path, mounted: Path | None = None) -> None:
        self.hosts: dict[str, Host] = {}
        super().__init__(folder, 2)
        try:
            for server in self.servers:
                self.hosts[server.name] = Host(server, root, mounted)
        except BaseException:
            self.close()
            raise

    @property
    def pair(self) -> tuple[Host, Host]:
        """Both, in their order."""
        return self.hosts["lxd1"], self.hosts["lxd2"]

    def close(self) -> None:
        """End everything that was started here."""
        with contextlib.ExitStack() as stack:
            stack.callback(super().close)
            for host in self.hosts.values():
                stack.callback(host.close)

    def start_with(self, overlay: str) -> None:
        """Start vxland everywhere, with this overlay between both."""
        self.start(config((1, 2), overlay))
