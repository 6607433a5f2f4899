"""How hard hypothesis tries: the same examples every time, or many new ones.

``VXLAND_EXAMPLES=5000 pytest tests/core`` looks for what the usual run doesn't find. How long an
example takes says nothing: others are at work on the machine, too.
"""

import os

from hypothesis import HealthCheck, settings

NAME = "vxland"
MANY = os.environ.get("VXLAND_EXAMPLES")

settings.register_profile(
    NAME,
    max_examples=int(MANY or 100),
    derandomize=not MANY,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def examples(usual: int) -> settings:
    """The settings of one test, with this number of examples in the usual run."""
    return settings(settings.get_profile(NAME), max_examples=int(MANY or usual))
