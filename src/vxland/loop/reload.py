"""Which configurations a running daemon won't take: those that look like half a file."""

from vxland.settings import Settings

_INSTEAD = "if that is meant, run: vxland down"


def refusal(old: Settings, new: Settings) -> str | None:
    """Why the daemon keeps the old configuration; None where it takes the new one."""
    if old.overlays and not new.overlays:
        return f"the new configuration has no overlays, which would remove everything; {_INSTEAD}"
    before = {overlay.name for overlay in old.overlays if _others(old, overlay.name)}
    emptied = [
        overlay.name
        for overlay in new.overlays
        if overlay.name in before and not _others(new, overlay.name)
    ]
    if emptied:
        names = ", ".join(emptied)
        return (
            f"in the new configuration no other peer is left in overlay {names},"
            f" which would remove all its tunnels; {_INSTEAD}"
        )
    return None


def _others(settings: Settings, overlay: str) -> int:
    """How many peers an overlay has beside this machine, disabled ones too."""
    listed = {peer.name for peer in settings.peers if peer.takes_part_in(overlay)}
    if settings.node.name is None:
        # Which of them this machine is isn't known here, but without a name it is one of them.
        return max(len(listed) - 1, 0)
    return len(listed - {settings.node.name})
