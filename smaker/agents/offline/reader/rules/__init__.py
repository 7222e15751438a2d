"""Rules that read one part of a sentence each, and the walk through a prompt that asks them in turn."""
