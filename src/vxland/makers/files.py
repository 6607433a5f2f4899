"""Which files tell, and what they are given as."""

from collections.abc import Mapping

Files = Mapping[str, str]  # the text of each, by absolute path

# systemd.network(5): the first folder that has a file of a name hides the others'.
NETWORKD = (
    "/etc/systemd/network",
    "/run/systemd/network",
    "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network",
)
# NetworkManager.conf(5), [keyfile]; netplan(5).
NETWORK_MANAGER = tuple(
    f"{folder}/NetworkManager/system-connections" for folder in ("/etc", "/run", "/usr/lib")
)
NETPLAN = tuple(f"{folder}/netplan" for folder in ("/etc", "/run", "/usr/lib"))
INTERFACES = "/etc/network/interfaces"

# What there is to be read, as patterns, besides INTERFACES and what that sources.
PATTERNS = (
    *(f"{folder}/*.{kind}" for folder in NETWORKD for kind in ("netdev", "network")),
    *(f"{folder}/*.{kind}.d/*.conf" for folder in NETWORKD for kind in ("netdev", "network")),
    *(f"{folder}/*" for folder in NETWORK_MANAGER),
    *(f"{folder}/*.yaml" for folder in NETPLAN),
)


def in_force(files: Files, folders: tuple[str, ...], ending: str) -> list[str]:
    """The paths of a kind of files that count, in the order of their names."""
    named: dict[str, str] = {}
    for folder in reversed(folders):
        for path in files:
            parent, _, name = path.rpartition("/")
            if parent == folder and name.endswith(ending):
                named[name] = path
    return [named[name] for name in sorted(named)]
