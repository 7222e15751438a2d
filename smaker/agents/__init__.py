"""Agents: each does one kind of task through the context it is handed, and reports an outcome."""
