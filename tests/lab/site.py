"""Several servers on one underlay, with a container behind each bridge."""

from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from typing import Self

from tests.lab.namespaces import Namespace
from tests.lab.server import Server
from tests.lab.waiting import eventually

MTU = 1450  # of an overlay on an underlay of 1500; a larger one would be hinted at
HEAD = """\
[http]
listen = "127.0.0.1:9788"

[[overlay]]
name = "lan"
bridge = "vxbr0"
"""


ADDRESS = "192.0.2.{}"  # of a server, by number


def config(peers: Iterable[int], overlay: str = HEAD, address: str = ADDRESS) -> str:
    """The same file for every server: an overlay, and these peers by number."""
    listed = (f'\n[[peer]]\nname = "lxd{n}"\naddress = "{address.format(n)}"\n' for n in peers)
    return overlay + "".join(listed)


class Container(Namespace):
    """A guest: a namespace whose eth0 is a port of the server's bridge."""

    def __init__(self, server: Server, number: int, bridge: str = "vxbr0", mtu: int = MTU) -> None:
        super().__init__(f"{server.name}-guest")
        self.server = server
        self.number = number
        self.port = f"veth{number}"
        self.address = f"10.10.10.{number}"
        peer = f"peer name eth0 mtu {mtu} netns {self.path}"
        server.sh(f"ip link add {self.port} mtu {mtu} type veth {peer}")
        server.sh(f"ip link set {self.port} master {bridge} up")
        self.sh(f"ip addr add {self.address}/24 dev eth0; ip link set eth0 up")

    def reaches(self, address: str) -> bool:
        """Whether one ping comes back."""
        return self.run(["ping", "-c1", "-W1", "-n", address], check=False).returncode == 0


class Site:
    """Servers lxd1 to lxdN on a shared underlay, with addresses that have their number in them."""

    def __init__(
        self,
        folder: Path,
        count: int = 3,
        prefix: str = "lxd",
        addresses: Iterable[str] = (f"{ADDRESS}/24",),
    ) -> None:
        self.underlay = Namespace(f"{prefix}-underlay")
        self.underlay.sh("ip link add br0 type bridge mcast_snooping 0; ip link set br0 up")
        self.servers = []
        self.containers: list[Container] = []
        for number in range(1, count + 1):
            server = Server(f"{prefix}{number}", folder / f"{prefix}{number}")
            self.servers.append(server)
            port = f"p{number}"
            self.underlay.sh(f"ip link add {port} type veth peer name eth0 netns {server.path}")
            self.underlay.sh(f"ip link set {port} master br0 up")
            for address in addresses:
                plain = address.format(number)
                server.sh(f"ip addr add {plain} dev eth0 {'nodad' if ':' in plain else ''}")
            server.sh("ip link set eth0 up")
        for server in self.servers:
            server.await_carrier("eth0")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything that was started here."""
        for namespace in (*self.containers, *self.servers, self.underlay):
            namespace.delete()

    def write(self, text: str) -> None:
        """The same configuration on every server."""
        for server in self.servers:
            server.write(text)

    def start(self, text: str | None = None) -> None:
        """Start a daemon on every server and wait until all are in sync."""
        self.write(text or config(range(1, len(self.servers) + 1)))
        for server in self.servers:
            server.start(wait=False)
        for server in self.servers:
            server.settled()

    def add_bridges(self, bridge: str = "vxbr0") -> None:
        """The bridge on every server, made by somebody else, so that it is there all along."""
        for server in self.servers:
            server.sh(f"ip link add {bridge} type bridge mcast_snooping 0; ip link set {bridge} up")

    def attach_containers(self, mtu: int = MTU) -> list[Container]:
        """A container behind each server's bridge."""
        self.containers = [Container(s, n, mtu=mtu) for n, s in enumerate(self.servers, 1)]
        return self.containers

    def cut(self) -> None:
        """Take the underlay down: whatever circles ends at once."""
        self.underlay.sh("ip link set br0 down")

    def mend(self) -> None:
        """The underlay is up again."""
        self.underlay.sh("ip link set br0 up")

    def add_containers(self, mtu: int = MTU) -> list[Container]:
        """A container behind each server's bridge, all reaching each other."""
        self.attach_containers(mtu)
        self.all_reach()
        return self.containers

    def all_reach(self) -> None:
        """Wait until every container reaches every other."""
        for one, other in permutations(self.containers, 2):
            eventually(
                lambda one=one, other=other: one.reaches(other.address),  # type: ignore[misc]
                f"{one.name} reaches {other.name}",
            )
