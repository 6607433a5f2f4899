"""One target under atheris: ``python -m tests.fuzz.guided TARGET FOLDER [libFuzzer's options]``.

FOLDER keeps what reached something new. It gets what tests.fuzz.seeds has to begin with.
"""

import sys
from importlib import import_module
from pathlib import Path

READERS = ["vxland", "dns", "tomllib", "tornado"]  # what is told how far it comes

if __name__ == "__main__":
    atheris = import_module("atheris")  # installed by scripts/fuzz alone
    name, folder, *options = sys.argv[1:]
    with atheris.instrument_imports(include=READERS):
        targets = import_module("tests.fuzz.targets")
        seeds = import_module("tests.fuzz.seeds")
    for number, seed in enumerate(seeds.seeds(name)):
        (Path(folder) / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], folder, *options], targets.TARGETS[name])
    atheris.Fuzz()
