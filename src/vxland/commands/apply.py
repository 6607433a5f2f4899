"""``vxland apply``: one reconciliation, then the end."""

from argparse import Namespace

from vxland.commands.deeds import carry_out
from vxland.commands.trouble import explained, need_privilege
from vxland.kernel.linux import LinuxKernel
from vxland.outlook import look
from vxland.process.lock import writer


def run(options: Namespace) -> int:
    """0 as wanted, 1 not."""
    with explained(options):
        need_privilege()
        with writer(), LinuxKernel() as kernel:
            outlook = look(options.config, kernel, adopt=options.adopt)
            return carry_out(outlook.plan, kernel, options)
