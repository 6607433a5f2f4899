"""Programs that configure every network device they see must leave vxland's alone.

Each runs as Debian 12 and 13 have it, in a root of that release and a network namespace.
"""
