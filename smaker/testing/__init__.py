"""Honest stand-ins for what a test must own, and one way to check that hostile input fails safely.

The stand-ins (a clock that stands still, a sandbox that answers by script) implement the ports. They and the check are
for the tests of smaker and for anyone who writes a plug-in.
"""

from smaker.testing.clock import FrozenClock
from smaker.testing.safety import Canaries, Fingerprint, Leak, assert_safe_failure, fingerprint
from smaker.testing.sandbox import NoEnvironments, ScriptedSandbox

__all__ = [
    "Canaries",
    "Fingerprint",
    "FrozenClock",
    "Leak",
    "NoEnvironments",
    "ScriptedSandbox",
    "assert_safe_failure",
    "fingerprint",
]
