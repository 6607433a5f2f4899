"""The daemon's turns: what one does, what is put right between them, what they learn."""
