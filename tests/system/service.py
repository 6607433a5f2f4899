"""The service as systemd and the journal show it to a person."""

from tests.system.machine import Machine

DROP_IN = "/etc/systemd/system/vxland.service.d/50-test.conf"
STARTING = "MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5"  # systemd's, for the begin of a start


def shown(machine: Machine, name: str) -> str:
    """A property of the service."""
    return machine.run(f"systemctl show --value --property={name} vxland").strip()


def status(machine: Machine) -> str:
    """What ``systemctl status`` prints, without shortening lines."""
    return machine.attempt("systemctl status --no-pager --full vxland").stdout


def status_line(machine: Machine) -> str:
    """What stands behind ``Status:`` there."""
    return shown(machine, "StatusText")


def logged(machine: Machine, words: str = "") -> list[str]:
    """vxland's own lines since the boot; ``words`` are journalctl's."""
    entries = machine.journal(f"-b -u vxland SYSLOG_IDENTIFIER=vxland {words}")
    return [str(entry["MESSAGE"]) for entry in entries]


def starts(machine: Machine) -> int:
    """How often systemd has tried to start it since the boot."""
    return len(machine.journal(f"-b _PID=1 UNIT=vxland.service {STARTING}"))


def process(machine: Machine) -> dict[str, str]:
    """The daemon's /proc/PID/status."""
    lines = machine.run(f"cat /proc/{shown(machine, 'MainPID')}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def capabilities(machine: Machine) -> dict[str, set[int]]:
    """The numbers in each of the daemon's sets (linux/capability.h)."""
    masks = {name: int(value, 16) for name, value in process(machine).items() if name[:3] == "Cap"}
    return {name: {bit for bit in range(64) if mask >> bit & 1} for name, mask in masks.items()}
