"""From a test stamp to its production stamp, and from no traffic to all of it: edits of two lines in a stack file."""
