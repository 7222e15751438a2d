"""Thirty-seven attempts to get out of the box they run in, or to take more than its share. Standard library only.

Every attempt is made by a process of its own and does no harm where it succeeds: it opens without writing, or writes to
what was put there for it.
"""
