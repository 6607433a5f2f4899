"""The Linux kernel, by netlink and ebtables: it sees and does, and decides nothing."""
