"""The ports: what core needs of the rooms, as protocols, and the data that passes through them.

A room implements one; agents get them in their context.
"""

from smaker.core.ports.agents import Agent, Container, Deployed, Deployer, Kept, Release
from smaker.core.ports.clock import Clock
from smaker.core.ports.history import Credential, HistorySearch, Unsearched
from smaker.core.ports.llm import (
    Embedded,
    Embedder,
    LanguageModel,
    Message,
    Models,
    Reply,
    Request,
    Role,
    Tool,
    ToolCall,
    Traits,
)
from smaker.core.ports.sandbox import (
    Command,
    CommandResult,
    Environments,
    Mount,
    Process,
    Sandbox,
    SandboxLevel,
    SandboxProfile,
    SandboxStatus,
)
from smaker.core.ports.store import Build, Change, Store
from smaker.core.ports.workspace import Author, Checkout, CommitInfo, ProjectLock, Workspace, Workspaces
from smaker.core.profile import WORKSPACE

__all__ = [
    "WORKSPACE",
    "Agent",
    "Author",
    "Build",
    "Change",
    "Checkout",
    "Clock",
    "Command",
    "CommandResult",
    "CommitInfo",
    "Container",
    "Credential",
    "Deployed",
    "Deployer",
    "Embedded",
    "Embedder",
    "Environments",
    "HistorySearch",
    "Kept",
    "LanguageModel",
    "Message",
    "Models",
    "Mount",
    "Process",
    "ProjectLock",
    "Release",
    "Reply",
    "Request",
    "Role",
    "Sandbox",
    "SandboxLevel",
    "SandboxProfile",
    "SandboxStatus",
    "Store",
    "Tool",
    "ToolCall",
    "Traits",
    "Unsearched",
    "Workspace",
    "Workspaces",
]
