"""The commands, a module per kind of record."""
