"""The rows of the table, one module each: ``rows(scale)`` measures and yields them."""
