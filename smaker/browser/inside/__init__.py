"""What runs in the box beside the browser: ``start.py``, with a job on standard input."""
