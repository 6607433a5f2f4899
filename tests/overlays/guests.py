"""Six overlays on three servers, and a guest in each of them on each server that takes part."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab import Listener, Namespace, Server, Site, broadcast, eventually
from tests.lab.site import MTU

HTTP = '[http]\nlisten = "127.0.0.1:9788"\n'
SERVERS = (1, 2, 3)


@dataclass(frozen=True)
class Part:
    """An overlay, as all servers have it."""

    name: str
    bridge: str
    keys: str = ""
    peers: tuple[int, ...] = SERVERS

    @property
    def text(self) -> str:
        """As it is written."""
        head = f'[[overlay]]\nname = "{self.name}"\nbridge = "{self.bridge}"\nmtu = {MTU}\n'
        return f"\n{head}{self.keys}\n"


OVERLAYS = {
    part.name: part
    for part in (
        Part("lan", "vxbr0"),
        Part("dmz", "vxdmz", 'guard = ["isolated"]'),
        Part("db", "vxdb", 'port = 8472\nguard = ["ebtables"]', (1, 2)),
        Part("old", "vxold", 'port = 4788\nvni = "index"\nguard = ["isolated", "ebtables"]'),
        Part("bulk", "vxbulk", 'mode = "shared"\nvni = 5000\nguard = []'),
        Part("web", "vxweb", 'port = 4790\nguard = ["nftables"]'),
    )
}


def config(parts: Mapping[str, Part] = OVERLAYS) -> str:
    """The file with these overlays, the same for all servers."""
    peers = ""
    for number in SERVERS:
        named = ", ".join(f'"{part.name}"' for part in parts.values() if number in part.peers)
        peers += f'\n[[peer]]\nname = "lxd{number}"\naddress = "192.0.2.{number}"\n'
        peers += f"overlays = [{named}]\n"
    return HTTP + "".join(part.text for part in parts.values()) + peers


def without(name: str) -> str:
    """The file without an overlay."""
    return config({part.name: part for part in OVERLAYS.values() if part.name != name})


def changed(name: str, **fields: object) -> str:
    """The file with another overlay of that name."""
    return config({**OVERLAYS, name: replace(OVERLAYS[name], **fields)})  # type: ignore[arg-type]


class Guest(Namespace):
    """A namespace whose eth0 is a port of an overlay's bridge."""

    def __init__(self, server: Server, number: int, part: Part) -> None:
        super().__init__(f"{server.name}-{part.name}")
        self.server, self.part = server, part
        self.port = f"g-{part.name}"
        peer = f"peer name eth0 mtu {MTU} netns {self.path}"
        server.sh(f"ip link add {self.port} mtu {MTU} type veth {peer}")
        self.attach()
        self.sh(f"ip addr add 10.10.10.{number}/24 dev eth0; ip link set eth0 up")

    def attach(self) -> None:
        """Into the bridge, which is made where it isn't there."""
        bridge = self.part.bridge
        if self.server.link(bridge) is None:
            self.server.sh(f"ip link add {bridge} type bridge mcast_snooping 0")
        self.server.sh(f"ip link set {bridge} up; ip link set {self.port} master {bridge} up")


@dataclass
class Estate:
    """The servers, and the guests by overlay."""

    site: Site
    guests: dict[str, list[Guest]]

    @property
    def server(self) -> Server:
        """The one that things happen to."""
        return self.site.servers[0]

    def configure(self, text: str) -> None:
        """The same file everywhere, and all in sync."""
        self.site.write(text)
        for server in self.site.servers:
            assert server.ask("reload")["errors"] == []
        for server in self.site.servers:
            server.settled()

    def reached(self, overlays: Iterable[str] = OVERLAYS) -> None:
        """Wait until what one guest of each overlay shouts comes to the others."""
        for name in overlays:
            speaker, *others = self.guests[name]
            with ExitStack() as stack:
                heard = [stack.enter_context(Listener(other)) for other in others]
                flows: list[int] = []

                def all_hear(
                    speaker: Guest = speaker,
                    heard: list[Listener] = heard,
                    flows: list[int] = flows,
                ) -> bool:
                    flows.append(broadcast(speaker))
                    return all(any(one.copies(flow) for flow in flows) for one in heard)

                eventually(all_hear, f"{speaker.name} is heard by all", pause=0.1)

    def assert_apart(self, overlays: Iterable[str] = OVERLAYS) -> None:
        """What a guest shouts comes once to each other of its overlay, and to nobody else."""
        with ExitStack() as stack:
            heard = {
                guest.name: stack.enter_context(Listener(guest))
                for guests in self.guests.values()
                for guest in guests
            }
            shouts = {
                guest.name: (name, broadcast(guest))
                for name in overlays
                for guest in self.guests[name]
            }
            wanted = {
                (listener, flow): int(listener != shouter and listener in names)
                for shouter, (name, flow) in shouts.items()
                for names in [{guest.name for guest in self.guests[name]}]
                for listener in heard
            }

            def counts() -> dict[tuple[str, int], int]:
                return {(who, flow): heard[who].copies(flow) for who, flow in wanted}

            eventually(
                lambda: all(counts()[key] >= count for key, count in wanted.items()),
                lambda: f"all hear: {counts()}, not {wanted}",
            )
            assert counts() == wanted


@contextmanager
def estate(folder: Path) -> Iterator[Estate]:
    """All of it in sync."""
    with Site(folder, len(SERVERS)) as site, ExitStack() as stack:
        guests: dict[str, list[Guest]] = {}
        for part in OVERLAYS.values():
            for number in part.peers:
                guest = Guest(site.servers[number - 1], number, part)
                stack.callback(guest.delete)
                guests.setdefault(part.name, []).append(guest)
        site.start(config())
        made = Estate(site, guests)
        made.reached()
        yield made
