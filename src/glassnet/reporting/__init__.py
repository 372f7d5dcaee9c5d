"""The report of a run: one web page that needs no other file."""
