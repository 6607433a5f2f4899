"""How peers are reached: what names stand for, which address counts, and from where."""
