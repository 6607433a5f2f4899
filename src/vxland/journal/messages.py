"""Every kind of line that vxland logs: its MESSAGE_ID and its priority, for ever the same.

packaging/systemd/vxland.catalog says what each means and what to do; a test holds it to this.
"""

from enum import Enum

ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6  # syslog(3)


class Message(Enum):
    """A kind of line. Its id is random (``systemd-id128 new``) and never given to another."""

    STARTED = ("7a5c8b8eeb3647748556a6c360982112", INFO)
    NOT_STARTED = ("61d9659b7cfb461088b2f8b98ba4fa54", ERROR)
    STOPPED = ("b187a3949c0d438d88a997474230ed26", NOTICE)
    SET_UP = ("4f26bf5a52494fbd950bdf37750a4bb7", NOTICE)  # because the configuration says so
    REPAIRED = ("693bd2506f31419488ac2b64e0bf7adf", NOTICE)  # after somebody changed it
    SECURED = ("53a07ad38b794cb5a1349de98d2791bf", NOTICE)  # frames could loop there
    RESOLVED = ("a81425cf0a95439d91f780bbb4b1d84b", NOTICE)

    # Problems, by the names of vxland.problems.Kind.
    CONFLICT = ("7cbb81d93b1245cfba8b9ac3f3dec07e", ERROR)
    HAZARD = ("c5281d06ce694818a23d6eb81aab341c", ERROR)
    GUARD = ("cdf34a82eb1a40138dd00e30bd2c9034", ERROR)
    REFUSED = ("41a5f2b7a77748c2b066533ac880a6bd", ERROR)
    WAITING = ("121057eda6a74de39b781c9b969c6a38", WARNING)
    FAILED = ("7af25f0475ea4d0582ca8c18132085a1", ERROR)
    FIGHT = ("495bd3a08fe54797b29b364dac0f134c", ERROR)
    HINT = ("a3bd6e950766497fb95b7e5bc1ae0242", INFO)

    CONFIG_REFUSED = ("d049a59101cb42fcbcb6a9f95a249d80", ERROR)
    CONFIG_GOOD_AGAIN = ("47e5376c97bb4de3a6f0542dcf0655d5", NOTICE)
    CONFIG_IN_FORCE = ("d20e6ec4234d4b2688e73a4b8aea86ed", NOTICE)
    KERNEL_UNSEEN = ("abca6fc0300c45efa467960ee1239202", ERROR)
    NO_METRICS = ("d5076c9b86cd4fe39b141557ccf7b850", ERROR)
    LINES_LOST = ("093b8ae138af4a51a7cbb90279e35ab7", WARNING)

    @property
    def id(self) -> str:
        """What MESSAGE_ID says."""
        return self.value[0]

    @property
    def priority(self) -> int:
        """What PRIORITY says (syslog(3))."""
        return self.value[1]
