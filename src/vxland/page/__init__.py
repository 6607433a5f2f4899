"""The page at ``/``: files as a browser gets them. The program on them is in the JavaScript beside this."""
