"""What a vxlansetup.sh says, read without running it, and the vxland.toml that means the same."""
