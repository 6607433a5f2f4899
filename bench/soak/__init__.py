"""Soaking: a daemon for hours, with something done to it every second. Nothing may grow."""
