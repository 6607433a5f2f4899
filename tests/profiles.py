"""How hard hypothesis tries: the same examples every time, or many new ones.

``VXLAND_EXAMPLES=5000 pytest tests/core`` looks for what the usual run doesn't find.
"""

import os

from hypothesis import HealthCheck, settings

MANY = os.environ.get("VXLAND_EXAMPLES")


def examples(usual: int) -> settings:
    """The settings of one test, with this number of examples in the usual run."""
    return settings(
        max_examples=int(MANY) if MANY else usual,
        derandomize=not MANY,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
