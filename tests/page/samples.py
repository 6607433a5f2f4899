"""What the daemon might answer: status and events, for meshes of all sizes, well and not."""

import hashlib
import time
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

NODE = "lxd1"
HOUR = 3600.0
DAY = 24 * HOUR
MADE = "create vxl-lan-lxd2 to lxd2 (198.51.100.2, VNI 4711)"


def noise(*words: object) -> int:
    """A number that looks arbitrary and is always the same."""
    return int.from_bytes(hashlib.sha256(repr(words).encode()).digest()[:4], "big")


def tunnel(peer: str, overlay: str = "lan", **changes: object) -> Json:
    """A tunnel, well where nothing else is said."""
    number = noise(peer, overlay)
    busy = 10 ** (number % 8)
    address = f"198.51.{100 + number % 100}.{number // 100 % 254 + 1}"
    traffic = {
        f"{way}_{what}": amount
        for way in ("receive", "transmit")
        for what, amount in (
            ("bytes", noise(way, peer) * (number % 50)),
            ("packets", noise(way, peer) // 7),
            ("errors", 0),
            ("drops", 0),
        )
    }
    well: Json = {
        "peer": peer,
        "address": address,
        "host": None,
        "local": "203.0.113.1",
        "device": f"vxl-{overlay}-{peer}"[:15],
        "vni": number % 2**24,
        "port": 4789,
        "mtu": 1450,
        "state": "up",
        "running": True,
        "in_sync": True,
        "since": time.time() - 2 * DAY - number % 5000,
        "pending": [],
        "last_repair": None,
        "traffic": traffic,
        "learned_macs": number % 30,
        "step": {"receive_bytes": busy, "transmit_bytes": busy * (number % 9) // 4},
    }
    return well | changes


def missing(peer: str, overlay: str = "lan", **changes: object) -> Json:
    """A tunnel whose device isn't there."""
    return tunnel(peer, overlay) | {
        "state": "missing",
        "running": False,
        "in_sync": False,
        "since": time.time() - 312,
        "traffic": None,
        "learned_macs": None,
        **changes,
    }


def overlay(
    tunnels: Iterable[Json], name: str = "lan", waiting: Iterable[str] = (), **changes: object
) -> Json:
    """An overlay with these tunnels."""
    tunnels, waiting = list(tunnels), list(waiting)
    in_sync = all(each["in_sync"] for each in tunnels) and not waiting
    well: Json = {
        "name": name,
        "bridge": "vxbr0" if name == "lan" else f"vx-{name}",
        "bridge_state": "up",
        "mtu": 1450,
        "guards": ["isolated", "ebtables"],
        "guards_seen": True,
        "ingress": "peers",
        "kept_out": 0,
        "in_sync": in_sync,
        "since": time.time() - (2 * DAY if in_sync else 312),
        "looping_pairs": 0,
        "pending": [],
        "waiting": waiting,
        "ports": {"count": 3, "too_large": [], "isolated": []},
        "peers_wanted": len(tunnels) + len(waiting),
        "tunnels_present": sum(each["state"] != "missing" for each in tunnels),
        "tunnels": tunnels,
    }
    return well | changes


def problem(kind: str, text: str, cure: str = "", **changes: object) -> Json:
    """Something to tell."""
    told = {"kind": kind, "overlay": "", "peer": "", "device": "", "text": text, "cure": cure}
    return told | {"since": time.time() - 312} | changes


def status(*overlays: Json, problems: Iterable[Json] = (), **changes: object) -> Json:
    """What /api/v1/status answers."""
    problems = list(problems)
    now = time.time()
    in_sync = all(each["in_sync"] for each in overlays)
    said = {
        "version": "0.1.0",
        "node": NODE,
        "daemon": "running",
        "in_sync": in_sync and all(each["kind"] == "hint" for each in problems),
        "since": now - 2 * DAY if in_sync else now - 312,
        "started_at": now - 3 * DAY,
        "config": {
            "path": "/etc/vxland.toml",
            "digest": "5f1d0c",
            "loaded_at": now - 2 * DAY,
            "errors": [],
            "refused_at": None,
        },
        "last_check": {"at": now - 7, "seconds": 0.002},
        "last_full_check": now - 7,
        "node_pending": [],
        "overlays": list(overlays),
        "problems": problems,
    }
    return said | changes


def event(number: int, kind: str = "repaired", ago: float = 60.0, **changes: object) -> Json:
    """One of what /api/v1/events answers."""
    at = time.time() - ago
    said = {
        "number": number,
        "at": at,
        "first_at": at,
        "count": 1,
        "kind": kind,
        "overlay": "",
        "peer": "",
        "device": "",
        "found": "",
        "done": "",
        "seconds": None,
        "who": "",
    }
    return said | changes


def about(peer: str, overlay: str = "lan") -> Json:
    """Which tunnel it is that an event or a problem tells of."""
    return {"overlay": overlay, "peer": peer, "device": f"vxl-{overlay}-{peer}"[:15]}


def history(*more: Json) -> list[Json]:
    """An ordinary day, and then these."""
    return [
        event(1, "started", 3 * DAY, done="vxland 0.1.0 started, keeping overlay lan"),
        event(2, "set_up", 3 * DAY - 1, **about("lxd2"), found="missing", done=MADE, seconds=0.012),
        event(
            3,
            ago=5 * HOUR,
            **about("lxd2"),
            found="missing",
            done=MADE,
            seconds=0.006,
            who="ip (pid 4711)",
        ),
        event(
            4,
            ago=2 * HOUR,
            overlay="lan",
            device="VXLAND",
            found="chain VXLAND missing rules",
            done="write ebtables chain VXLAND (1 rule), first in FORWARD",
            seconds=0.004,
            who="ebtables (pid 123)",
            count=12,
            first_at=time.time() - 2.2 * HOUR,
        ),
        event(5, "config_in_force", HOUR, done="/etc/vxland.toml is in force"),
        *more,
    ]


def names(count: int) -> list[str]:
    """Peers by number, as many digits as are needed."""
    digits = len(str(count + 1))
    return [f"lxd{number:0{digits}}" for number in range(2, count + 2)]
