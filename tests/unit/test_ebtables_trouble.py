"""What ebtables complains of, put so that a person can mend it."""

import pytest

from vxland.kernel.ebtables_trouble import unusable

NFT, LEGACY = "/usr/sbin/ebtables-nft-save", "/usr/sbin/ebtables-legacy-save"
UNREACHABLE = "ebtables-save v1.8.9 (nf_tables): Could not fetch rule set generation id"

# Which program said what, and words of the reason and of the cure.
COMPLAINTS = (
    (
        NFT,
        f"{UNREACHABLE}: Invalid argument",
        "this kernel has no nftables for ebtables",
        "modprobe nf_tables",
    ),
    (
        NFT,
        "ebtables-restore v1.8.9 (nf_tables): Could not initialize nftables layer.",
        "this kernel has no nftables for ebtables",
        'guard = ["isolated"]',
    ),
    (
        NFT,
        f"{UNREACHABLE}: Permission denied (you must be root)",
        "ebtables may not be used",
        "CAP_NET_ADMIN",
    ),
    (
        LEGACY,
        "Problem getting a socket, you probably don't have the right permissions.",
        "ebtables may not be used",
        "/usr/share/vxland/ebtables-legacy.conf",
    ),
    (
        LEGACY,
        "The kernel doesn't support the ebtables 'filter' table.",
        "this kernel has no ebtables-legacy",
        "modprobe ebtable_filter",
    ),
    (NFT, "", "it gave no reason", "by hand"),
)


@pytest.mark.parametrize(("program", "complaint", "reason", "cure"), COMPLAINTS)
def test_a_complaint_is_explained(program: str, complaint: str, reason: str, cure: str) -> None:
    """By its cause, with what to do."""
    found = unusable(complaint, nft=program == NFT)
    assert reason in found.reason
    assert complaint.rstrip(".") in found.reason
    assert cure in found.cure
