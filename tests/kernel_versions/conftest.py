"""These tests need another kernel than the usual run's, so they aren't part of it.

``scripts/test-kernel`` boots one that has ebtables-legacy and sets VXLAND_TEST_KERNEL there. Where
they are collected, nothing is skipped: without ebtables-legacy they fail.
"""

import os

collect_ignore_glob = [] if "VXLAND_TEST_KERNEL" in os.environ else ["test_*.py"]
