"""A program that takes its time."""

import shutil
from pathlib import Path


def slow_program(name: str, hang: Path, folder: Path) -> list[str]:
    """Words before a command for which a program hangs while a file exists; for nobody else."""
    found = shutil.which(name)
    assert found is not None
    real = Path(found).resolve()
    copy = folder / real.name
    shutil.copy2(real, copy)
    slow = folder / "slow"
    slow.write_text(
        "#!/bin/bash\n"
        f'case "$0" in *{name}) while [ -e "{hang}" ]; do sleep 0.1; done;; esac\n'
        f'exec -a "$0" "{copy}" "$@"\n'
    )
    slow.chmod(0o755)
    script = f'mount --bind "{slow}" "{real}" && exec "$@"'
    leash = ["setpriv", "--pdeathsig", "KILL", "--"]
    return [*leash, "unshare", "--mount", "--", "sh", "-c", script, "sh"]
