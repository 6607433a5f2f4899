"""``vxland bugreport``: what an issue needs, asked for piece by piece and packed into one file."""
