"""What is remembered: since when things are as they are, what happened, what was found."""
