"""What /etc/hosts says (hosts(5)), read again when it changed."""

from ipaddress import ip_address
from pathlib import Path

from vxland.addresses import IPAddress

HOSTS = Path("/etc/hosts")


class Hosts:
    """The file as it is now."""

    def __init__(self, path: Path = HOSTS) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._addresses: dict[str, set[IPAddress]] = {}

    def addresses(self, name: str) -> frozenset[IPAddress]:
        """Those that it gives a name; none where it doesn't know it, or can't be read."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen != self._seen:
                self._addresses = _read(self._path.read_text(errors="replace"))
                self._seen = seen
        except OSError:
            return frozenset()
        return frozenset(self._addresses.get(name.lower().rstrip("."), ()))


def _read(text: str) -> dict[str, set[IPAddress]]:
    found: dict[str, set[IPAddress]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        try:
            parsed = ip_address(address)
        except ValueError:
            continue
        for name in names:
            found.setdefault(name.lower().rstrip("."), set()).add(parsed)
    return found
