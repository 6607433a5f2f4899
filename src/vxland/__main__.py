"""``python -m vxland``."""

import sys

from vxland.cli import main

sys.exit(main())
