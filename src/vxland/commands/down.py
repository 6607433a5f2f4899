"""``vxland down``: remove what is vxland's, whatever the configuration says."""

from argparse import Namespace

from vxland.commands.deeds import carry_out
from vxland.commands.trouble import explained, need_privilege
from vxland.kernel.linux import LinuxKernel
from vxland.plan import plan_teardown
from vxland.process.lock import writer


def run(options: Namespace) -> int:
    """0 nothing of vxland's is left, but for bridges that others use; 1 failed."""
    with explained(options):
        need_privilege()
        with writer(), LinuxKernel() as kernel:
            return carry_out(plan_teardown(kernel.holdings()), kernel, options)
