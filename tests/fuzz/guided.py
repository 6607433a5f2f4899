"""One target under atheris: ``python -m tests.fuzz.guided TARGET FOLDER [libFuzzer's options]``."""

import sys
from importlib import import_module

if __name__ == "__main__":
    atheris = import_module("atheris")  # installed by scripts/fuzz alone
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["vxland", "dns"]):
        targets = import_module("tests.fuzz.targets")
    atheris.Setup([sys.argv[0], *options], targets.TARGETS[name])
    atheris.Fuzz()
