"""Honest stand-ins for what a test must own, and one way to check that hostile input fails safely.

The stand-ins are a clock that stands still, a sandbox that answers by script (both implement their ports), and a model
server that answers by script over real HTTP. They and the check are for the tests of smaker and for anyone who writes a
plug-in.
"""

from smaker.testing.clock import FrozenClock
from smaker.testing.model_answers import Asked, Fault, Say
from smaker.testing.model_server import ScriptedModelServer
from smaker.testing.model_vectors import word_vector
from smaker.testing.safety import Canaries, Fingerprint, Leak, assert_safe_failure, fingerprint
from smaker.testing.sandbox import NoEnvironments, ScriptedSandbox

__all__ = [
    "Asked",
    "Canaries",
    "Fault",
    "Fingerprint",
    "FrozenClock",
    "Leak",
    "NoEnvironments",
    "Say",
    "ScriptedModelServer",
    "ScriptedSandbox",
    "assert_safe_failure",
    "fingerprint",
    "word_vector",
]
