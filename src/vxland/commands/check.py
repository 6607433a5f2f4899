"""``vxland check``: whether the configuration is valid."""

import json
import os
import pwd
import subprocess
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import closing

from vxland.commands.trouble import explained
from vxland.config.load import check
from vxland.hints.fragments import fragmenting, lost_fragments
from vxland.kernel.ebtables import Ebtables
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.nftables import Nftables
from vxland.observed import Observed, Unavailable
from vxland.peers import addresses, host_names
from vxland.problems import Unresolved
from vxland.process.privilege import SERVICE
from vxland.resolve import resolve
from vxland.settings import HttpSettings, Settings

RULES: dict[str, Callable[[], Ebtables | Nftables]] = {"ebtables": Ebtables, "nftables": Nftables}


def run(options: Namespace) -> int:
    """0 valid, 1 not."""
    path = options.file or options.config
    with explained(options):
        checked = check(path)
    warnings = [*map(str, checked.warnings), *_here(checked.settings)]
    if options.json:
        print(json.dumps({"errors": [], "warnings": warnings}, indent=2))
        return 0
    for warning in warnings:
        print(f"warning: {warning}")
    settings = checked.settings
    print(f"{path}: valid; overlays: {len(settings.overlays)}, peers: {len(settings.peers)}")
    return 0


def _here(settings: Settings) -> list[str]:
    """What keeps this machine from using the configuration, which another may use."""
    warnings: list[str] = []
    try:
        with LinuxKernel() as kernel:
            known = addresses(settings.peers)
            host = kernel.host(frozenset(known.values()))
        for overlay in resolve(settings, known, host).overlays:
            found = (*fragmenting(overlay, host), *lost_fragments(overlay, Observed(host=host)))
            warnings += map(str, found)
    except Unresolved as error:
        if not host_names(settings.peers):  # one of which may be this machine's: nobody asks here
            warnings += map(str, error.problems)
    except OSError as error:
        warnings.append(f"this machine's addresses can't be seen: {error}")
    guards = {guard for overlay in settings.overlays for guard in overlay.guards}
    for guard, rules in RULES.items():
        if guard not in guards:
            continue
        with closing(rules()) as there:
            if isinstance(missing := there.read(), Unavailable):
                warnings.append(f"{missing.reason}. {missing.cure}")
    return [*warnings, *_certificates(settings.http)]


def _certificates(http: HttpSettings) -> Iterator[str]:
    if not (http.tls_cert and http.tls_key):
        return
    from vxland.http.tls import Certificates, Unusable  # noqa: PLC0415 - few have any

    try:
        yield from Certificates(http.tls_cert, http.tls_key, http.tls_client_ca).warnings()
    except Unusable as error:
        yield str(error)
    else:
        yield from _unreadable(http)


def _unreadable(http: HttpSettings) -> Iterator[str]:
    """The files that root can read, and the service's user can't.

    The kernel is asked, as that user: folders, groups and ACLs all count.
    """
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(SERVICE)
    except KeyError:  # it isn't installed here
        return
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    for name in ("tls_cert", "tls_key", "tls_client_ca"):
        path = getattr(http, name)
        if path and not _readable(path, user, groups):
            yield (
                f"{path} ({name} in [http]) can't be read by the user {SERVICE}. Let it:"
                f" chgrp {SERVICE} {path} && chmod 640 {path}; and into all folders that"
                f" namei -l {path} shows"
            )


def _readable(path: str, user: pwd.struct_passwd, groups: list[int]) -> bool:
    """True as well where nobody can say."""
    try:
        done = subprocess.run(
            ["test", "-r", path],  # noqa: S607 - PATH finds it
            check=False,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=groups,
        )
    except OSError:  # a container's root that may not become others
        return True
    return done.returncode != 1
