"""A pytest plugin for slow machines: ``-p tests.kernel_versions.patience``.

Waiting ends when what is waited for is there, so longer limits make no test weaker, only slower to
fail. An emulated processor is twenty times slower than the machines that the limits were made for.
"""

import inspect

from tests.lab import waiting

LONGER = 20

waiting.PATIENCE *= LONGER
waiting.eventually.__defaults__ = tuple(
    waiting.PATIENCE if parameter.name == "patience" else parameter.default
    for parameter in inspect.signature(waiting.eventually).parameters.values()
    if parameter.default is not parameter.empty
)
