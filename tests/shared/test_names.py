"""Peers by host name in shared mode: an entry has no name, so none goes for want of an answer."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon.test_config_reload import nothing_lost
from tests.lab import Site, eventually
from tests.lab.dns import ZONE, NameServer, name_servers
from tests.shared.segment import SHARED, flood, index

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

RECORDS = {f"lxd{n}": f"192.0.2.{n}" for n in (1, 2, 3)}
CONFIG = f"{SHARED}guard = []\n" + "".join(
    f'\n[[peer]]\nname = "{name}"\naddress = "{name}.{ZONE}"\n' for name in RECORDS
)
LISTED = ["192.0.2.2", "192.0.2.3"]


def test_a_restart_without_dns_keeps_the_list(tmp_path: Path) -> None:
    """Nobody is known then but this server itself; frames pass, and later all is in sync again."""
    with ExitStack() as stack:
        stack.enter_context(name_servers("nameserver 127.0.0.1\n"))
        site = stack.enter_context(Site(tmp_path, 3))
        names = [stack.enter_context(NameServer(s, tmp_path, RECORDS)) for s in site.servers]
        site.start(CONFIG)
        site.add_containers()
        server = site.servers[0]
        eventually(lambda: server.in_sync() and flood(server) == LISTED, server.tail)
        before = index(server)
        with nothing_lost(*site.containers[:2]):
            server.stop()
            names[0].stop()
            server.start()
            status = server.status()
            assert (status["node"], status["overlays"][0]["waiting"]) == ("lxd1", ["lxd2", "lxd3"])
            assert (flood(server), index(server)) == (LISTED, before)
            names[0].records(RECORDS | {"lxd3": "192.0.2.33"})
            names[0].start()
            server.ask("reload")
            eventually(
                lambda: server.in_sync() and flood(server) == ["192.0.2.2", "192.0.2.33"],
                lambda: f"{flood(server)}; it logged:\n{server.tail()}",
            )
        assert index(server) == before
