"""Where the records are kept: SQL and nothing else."""
