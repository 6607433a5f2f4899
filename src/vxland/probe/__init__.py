"""Gathers what the diagnosis judges: asks kernel, files and peers, and changes nothing."""
