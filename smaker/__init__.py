"""smaker, the Software Maker: from a prompt to tested, committed, running software."""

__version__ = "0.1.0"
