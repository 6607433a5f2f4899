"""vxland keeps servers without a common LAN in one Ethernet segment, over VXLAN."""

__version__ = "0.1.0"
