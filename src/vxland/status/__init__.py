"""The state of the node as a person, or a program reading JSON, wants to see it.

Nothing is imported here: who prints a status needn't wait for what makes one.
"""
