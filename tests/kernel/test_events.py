"""What the kernel tells by itself, on the real one, each test in a network namespace of its own."""

import ctypes
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vxland.doorbell import Doorbell, Source, Trigger
from vxland.kernel.addresses import IFADDR
from vxland.kernel.events import Events, LinkEvents, RuleEvents, Suspects
from vxland.kernel.messages import RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE
from vxland.kernel.netlink import HEADER, Netlink
