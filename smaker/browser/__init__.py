"""A real browser in the sandbox: plays what it is told, and explores an app without a model."""
