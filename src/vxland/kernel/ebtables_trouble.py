"""What ebtables complains of, put so that a person can mend it."""

import re
from pathlib import Path

from vxland.observed import Unavailable

WITHOUT_LEGACY = (
    "Load it (modprobe ebtable_filter), or choose the nft one:"
    " update-alternatives --set ebtables /usr/sbin/ebtables-nft"
)
NO_RIGHT = "Run vxland as root or with CAP_NET_ADMIN"
DROP_IN = "/etc/systemd/system/vxland.service.d"
SHARES = ("/usr/share/vxland", "/usr/local/share/vxland")  # the package's, scripts/install's
WITHOUT_NFT = 'Load it (modprobe nf_tables), or guard otherwise: guard = ["isolated"]'
FORBIDDEN = re.compile(
    "permission denied|not permitted|must be root|don't have the right permissions", re.IGNORECASE
)
NO_NFT = re.compile("nitialize nft|fetch rule set generation")
COLLISION = "Multiple ebtables programs were executing simultaneously"


def unusable(stderr: str, *, nft: bool) -> Unavailable:
    """Why ebtables, the nft one or the legacy one, does nothing, by its last words."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    message = lines[-1].rstrip(".") if lines else "it gave no reason"
    if FORBIDDEN.search(message):
        return Unavailable(
            f"ebtables may not be used: {message}",
            NO_RIGHT if nft else _no_legacy_right(),
        )
    if NO_NFT.search(message):
        return Unavailable(f"this kernel has no nftables for ebtables: {message}", WITHOUT_NFT)
    if COLLISION in stderr:
        return Unavailable(
            "somebody else changed the rules at the same moment, and ebtables-legacy can't merge",
            "It is tried again; other programs should use ebtables --concurrent",
        )
    if "kernel doesn't support" in message:
        return Unavailable(
            f"this kernel has no ebtables-legacy: {message}",
            WITHOUT_LEGACY,
        )
    return Unavailable(f"ebtables failed: {message}", "Run ebtables-save by hand to see why")


def _no_legacy_right() -> str:
    share = next((place for place in SHARES if Path(place).is_dir()), SHARES[0])
    return (
        "Run vxland as root. ebtables-legacy needs CAP_NET_RAW too; to give it to the service:"
        f" mkdir -p {DROP_IN} && cp {share}/ebtables-legacy.conf {DROP_IN}/"
        " && systemctl daemon-reload && systemctl restart vxland"
    )
