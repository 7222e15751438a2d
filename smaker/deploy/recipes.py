"""A Dockerfile and a Compose file for a project that has none, written from what its profile knows of its server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from smaker.core.errors import UsageError
from smaker.core.profile import Profile
from smaker.deploy.sources import compose_file

PYTHON = "python:3.13-slim"
NODE = "node:20-slim"
LOOPBACK = {"127.0.0.1", "localhost"}

IGNORED = ".git\n.smaker\n.venv\n.env\nnode_modules\n**/__pycache__\nreports\n"


def lacking(profile: Profile, package: str, paths: Sequence[str]) -> Mapping[str, bytes]:
    """Return the container files that are not among ``paths``; none where the project brings its own Compose file.

    Raises UsageError if the profile does not know how its software is started.
    """
    if compose_file(paths) is not None:
        return {}
    if not profile.start or profile.port is None:
        raise UsageError(
            f"A {profile.title} has nothing that runs in the background, and no compose.yaml says otherwise.",
            hint="Use it with: smaker run ID -- --help",
        )
    written = {"compose.yaml": _compose(profile.port), ".dockerignore": IGNORED}
    if "Dockerfile" not in paths:
        written["Dockerfile"] = _dockerfile(profile, package, paths)
    return {path: text.encode() for path, text in written.items() if path not in paths}


def _dockerfile(profile: Profile, package: str, paths: Sequence[str]) -> str:
    start = [_everywhere(word) for word in profile.start_command(package)]
    variables = {"HOST": "0.0.0.0"} | {  # noqa: S104  inside a container; what is published is on loopback
        name: _everywhere(value) for name, value in profile.start_variables(package).items()
    }
    node = start[0] in {"node", "npm", "npx"} or profile.dialect == "node"
    lines = [f"FROM {NODE if node else PYTHON}", "", "WORKDIR /app", "COPY . ."]
    if node and "package.json" in paths:
        lines.append("RUN npm ci --omit=dev" if "package-lock.json" in paths else "RUN npm install --omit=dev")
    elif not node:
        if "requirements.txt" in paths:
            lines.append("RUN pip install --no-cache-dir -r requirements.txt")
        if "pyproject.toml" in paths and profile.environment.kind == "python":
            lines.append("RUN pip install --no-cache-dir .")
    lines += [f"ENV {name}={json.dumps(value)}" for name, value in variables.items()]
    lines += ["RUN useradd --create-home --uid 10001 app", "USER app", f"EXPOSE {profile.port}"]
    lines.append(f"CMD {json.dumps(start)}")
    return "\n".join(lines) + "\n"


def _everywhere(word: str) -> str:
    """An address of the machine as one of the container: there, loopback is reached by nobody."""
    return "0.0.0.0" if word in LOOPBACK else word  # noqa: S104


def _compose(port: int) -> str:
    return f"""services:
  app:
    build: .
    init: true
    restart: unless-stopped
    ports:
      - "127.0.0.1:${{PORT:-{port}}}:{port}"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
"""
