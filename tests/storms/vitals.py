"""How a daemon is: what /proc and its own metrics say."""

import os
from pathlib import Path

from tests.lab import Server
from tests.metrics.scrape import scrape

TICKS = os.sysconf("SC_CLK_TCK")
RESET_PEAK = "5"  # proc_pid_clear_refs(5)


def processor(server: Server) -> float:
    """Seconds that a processor has spent on it."""
    fields = (_process(server) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime, proc_pid_stat(5)


def ran(server: Server) -> float:
    """The same of the threads that there are, to the nanosecond (proc_pid_schedstat(5))."""
    threads = (_process(server) / "task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def faults_of_children(server: Server) -> int:
    """Minor faults of the children that it has waited for: each that was started has some."""
    fields = (_process(server) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[8])  # cminflt, proc_pid_stat(5)


def resident(server: Server) -> int:
    """Bytes of memory that it has."""
    return _memory(server, "VmRSS")


def peak(server: Server) -> int:
    """The most that it had since ``forget_peak``."""
    return _memory(server, "VmHWM")


def forget_peak(server: Server) -> None:
    """The peak is what there is now."""
    (_process(server) / "clear_refs").write_text(RESET_PEAK)


def turns(server: Server) -> int:
    """How many turns it has taken, whatever rang for them, and mends."""
    return _sum(server, "vxland_reconciliation_duration_seconds_count")


def overruns(server: Server) -> int:
    """How many times the kernel dropped events that it was too slow to read."""
    return _sum(server, "vxland_event_overruns_total")


def _process(server: Server) -> Path:
    """The daemon's folder in /proc."""
    return Path("/proc") / str(server.daemon.pid if server.daemon else "")


def _memory(server: Server, field: str) -> int:
    lines = (_process(server) / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def _sum(server: Server, metric: str) -> int:
    lines = scrape(server).splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(metric))
