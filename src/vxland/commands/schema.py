"""``vxland schema``: the configuration's JSON Schema, for editors."""

import json
from argparse import Namespace

from vxland.config.json_schema import schema


def run(options: Namespace) -> int:
    """0, always."""
    del options
    print(json.dumps(schema(), indent=2))
    return 0
