"""Tables of rules beside the guards': who gets in, what is counted; how all are written."""
