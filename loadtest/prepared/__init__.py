"""Launches that somebody prepared in an EHR we cannot ask: read from a file, each used once, in order of arrival."""
