"""What was read becomes definite: records with typed fields and references, wishes that became operations."""
