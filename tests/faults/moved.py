"""vxland where the clock is wrong: ``python -m tests.faults.moved FILE vxland …``.

FILE has the seconds that it is ahead by, at any moment, as a number in binary. Python's own look at
the clock is all that is moved, and all that vxland uses; what waits goes by another one.
"""

import mmap
import os
import struct
import sys
import time

from vxland.cli import main

AHEAD = struct.Struct("=d")

if __name__ == "__main__":
    path, *sys.argv = sys.argv[1:]
    real, descriptor = time.time, os.open(path, os.O_RDONLY)
    ahead = mmap.mmap(descriptor, AHEAD.size, prot=mmap.PROT_READ)
    os.close(descriptor)
    vars(time)["time"] = lambda: real() + AHEAD.unpack(ahead[:])[0]
    sys.exit(main())
