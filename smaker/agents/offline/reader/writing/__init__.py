"""The spec in words: requirements with their acceptance, modules, interfaces, scenarios."""
