"""Honest stand-ins for what a test must own: a clock that stands still, a sandbox that answers by script.

They implement the ports, for the tests of smaker and for anyone who writes a plug-in.
"""

from smaker.testing.clock import FrozenClock
from smaker.testing.sandbox import NoEnvironments, ScriptedSandbox

__all__ = ["FrozenClock", "NoEnvironments", "ScriptedSandbox"]
