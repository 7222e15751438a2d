"""The bottom of the house: models, events, errors, ports, the pure pipeline, the Engine and the Worker.

Only pydantic and the standard library are imported here: no screen, no HTTP, no SQL, no vendor, no YAML.
"""
