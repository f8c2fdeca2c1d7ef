"""The Teams meeting: who waits, who is in, and the pages they see."""
