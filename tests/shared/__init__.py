"""One VXLAN device for all peers: the mode on real kernels, and beside VTEPs of others."""
