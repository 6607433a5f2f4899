"""Five nodes under traffic, with other people's things on each."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos.caretaker import send
from tests.chaos.deeds import texts
from tests.chaos.node import BRIDGE, COUNT, NODES, NUMBERS
from tests.chaos.stranger import Stranger
from tests.daemon import strangers
from tests.daemon.daemon_view import quiet
from tests.daemon.kernel_view import has_addresses
from tests.lab import Namespace, Site, eventually

ELSEWHERE = strangers.ELSEWHERE.removesuffix(
    "ip link add type veth\n"
)  # a guest's port has its name
FOREIGN_BRIDGE = f"""\
ip link add {BRIDGE} address 02:00:00:00:0a:00 type bridge mcast_snooping 0 ageing_time 20000
ip addr add 10.97.0.1/24 dev {BRIDGE}
ip link set {BRIDGE} up
"""
IN_FOREIGN_BRIDGE = f"""\
bridge fdb add 02:00:00:00:77:02 dev guest0 master static
bridge fdb add 02:00:00:00:77:04 dev {BRIDGE} self
"""
BESIDE = """\
bridge fdb add 02:00:00:00:77:03 dev brother1 master static
nft add table inet admin
nft 'add chain inet admin input { type filter hook input priority 0; policy accept; }'
nft add rule inet admin input udp dport 9 drop
"""


class Field:
    """The nodes as they are when all is well, and their daemons."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.servers = dict(zip(NUMBERS, site.servers, strict=True))
        self.stranger = Stranger(site)

    def begin(self) -> None:
        """All daemons at work, and a look at everything."""
        for node in NODES:
            server = self.servers[node.number]
            server.write(node.text)
            for name, text in texts(node).items():
                server.config.with_name(f"{server.config.name}.{name}").write_text(text)
            server.start(wait=False)
        for server in self.site.servers:
            server.settled()
        self.site.attach_containers()
        for node in NODES:
            server = self.servers[node.number]
            server.sh(strangers.IN_THE_BRIDGE + BESIDE + IN_FOREIGN_BRIDGE * (not node.owns_bridge))
            strangers.write_rules(server)
            eventually(lambda server=server: has_addresses(server), "the kernel's own addresses")  # type: ignore[misc]
            quiet(server)
        self.site.all_reach()

    def restore(self) -> None:
        """What is the administrator's: his file, his guests' ports and rules, his daemon."""
        for node in NODES:
            server = self.servers[node.number]
            server.write(node.text)
            send(server, signal.SIGCONT)
        for server in self.site.servers:
            if server.daemon is not None and server.daemon.poll() is not None:
                server.stop()
            if server.daemon is None:
                server.start(wait=False)

    def put_guests_back(self) -> None:
        """Whoever deletes a bridge puts back what was in it."""
        for node in NODES:
            if node.owns_bridge:
                names = " ".join((f"veth{node.number}", "guest0", "vxl-guest0"))
                script = f"for port in {names}; do ip link set $port master {BRIDGE}; done"
                self.servers[node.number].sh(script, check=False)

    def left_elsewhere(self) -> set[str]:
        """Tunnels that are still in the namespaces they were moved to."""
        return {
            link["ifname"]
            for server in self.site.servers
            for link in self.site.underlay.json(f"ip -n {server.name}-away -j link show")
            if link["ifname"] != "lo"
        }


@contextmanager
def prepared(folder: Path) -> Iterator[Field]:
    """All of it, with everything of others' in place."""
    with ExitStack() as stack:
        site = stack.enter_context(Site(folder, COUNT, prefix="chaos"))
        for node, server in zip(NODES, site.servers, strict=True):
            stack.callback(Namespace(f"{server.name}-away").delete)
            server.sh(ELSEWHERE + FOREIGN_BRIDGE * (not node.owns_bridge))
        field = Field(site)
        stack.callback(field.stranger.namespace.delete)
        field.begin()
        yield field
