"""What the tests of all folders share."""

from collections.abc import Generator, Sequence

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings

from tests import lab, profiles
from tests.faults.ledger import told

REPEATED = "repeated"
LIVE = ("kernel", "daemon", "system", "guests")  # markers of what frames may count for
STRICT = frozenset({"chaos", "faults", "ingress", "loops"})  # folders: of what mustn't happen

settings.load_profile(profiles.NAME)

# What several folders' tests assert by, before the first of them imports it.
pytest.register_assert_rewrite(
    "tests.daemon.kernel_view", "tests.daemon.daemon_view", "tests.loops.watch"
)


@pytest.fixture(scope="session")
def laboratory() -> None:
    """Mounts of this run's own, for everything that makes namespaces by name.

    Without root it fails, and so does every test that asks for it.
    """
    lab.own_mounts()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Each knows whether it is that frames were lost."""
    report = yield
    report.__dict__["lost"] = call.excinfo is not None and isinstance(call.excinfo.value, lab.Lost)
    return report


def forgivable(folder: str, lost: Sequence[bool]) -> bool:
    """Whether drops may be why a test of this folder failed, by whether frames' loss was all.

    What came in by forgery, came twice, or was changed isn't there because something was dropped.
    """
    return folder not in STRICT or all(lost)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test again, once, if it failed while the kernel threw frames away.

    A processor's backlog is all namespaces': what else this machine does makes it drop frames that
    a test counts on. A test that fails without such drops, or fails again, has failed; so has one
    of what mustn't happen, unless all that happened was that frames were lost.
    """
    hook, before = item.ihook, lab.drops()
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failures = [report for report in reports if report.failed]
    live = any(item.get_closest_marker(name) for name in LIVE)
    chance = forgivable(item.path.parent.name, [report.lost for report in failures])
    if failures and live and chance and lab.drops() > before:
        for failure in failures:
            failure.outcome = REPEATED  # type: ignore[assignment]
            hook.pytest_runtest_logreport(report=failure)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """The closing line says how many were repeated."""
    return (REPEATED, "R", REPEATED.upper()) if report.outcome == REPEATED else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What failed before it was repeated; how many faults were injected, and what came of them."""
    for failure in terminalreporter.stats.get(REPEATED, ()):
        terminalreporter.write_sep("_", f"repeated: {failure.nodeid}")
        terminalreporter.write_line(failure.longreprtext)
    reports = terminalreporter.stats.values()
    found = [
        prop for some in reports for one in some for prop in getattr(one, "user_properties", ())
    ]
    if line := told(found):
        terminalreporter.write_line(line)
