"""What can go wrong with a deployment, each as a finding that says what to mend."""

from __future__ import annotations

import re

from smaker.core.errors import BuildFailed, Unavailable
from smaker.core.models import Finding, Severity

MAX_EVIDENCE = 4000  # characters of output in a finding

_STEP = re.compile(r"^(?:Step \d+/\d+ : (?P<classic>.+)|#\d+ \[[^\]]*\d+/\d+\] (?P<kit>.+))$", re.MULTILINE)
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded|ENOSPC", re.IGNORECASE)
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use|ports are not available", re.IGNORECASE)


class DeployFailed(BuildFailed):
    """A deployment did not come to be, through a fault of what was deployed. ``findings`` are for whoever mends it."""

    def __init__(
        self, code: str, message: str, *, evidence: str = "", detail: str = "", file: str | None = None
    ) -> None:
        super().__init__(message, hint=evidence, code=code)
        finding = Finding(
            source="deploy",
            message=message,
            file=file,
            evidence=evidence[-MAX_EVIDENCE:],
            signature=f"{code}:{detail}" if detail else code,
        )
        self.findings: tuple[Finding, ...] = (finding,)


def warning(message: str, *, file: str | None = None, detail: str) -> Finding:
    """Something of a deployment that is worth knowing and stops nothing."""
    return Finding(
        source="deploy", message=message, severity=Severity.WARNING, file=file, signature=f"W_DEPLOY:{detail}"
    )


def refused(key: str, service: str, why: str = "") -> DeployFailed:
    """The compose file asks for what no deployment gets."""
    return DeployFailed(
        "E_DEPLOY_REFUSED",
        f"deploy refused: {key} at {service}" + (f" ({why})" if why else ""),
        detail=f"{key}:{service}",
    )


def build_failed(service: str, output: str) -> DeployFailed:
    """An image could not be built; the last step that was begun is named."""
    if _NO_SPACE.search(output):
        return no_space(output)
    steps = [match["classic"] or match["kit"] for match in _STEP.finditer(output)]
    step = steps[-1].strip() if steps else ""
    where = f" at `{step}`" if step else ""
    return DeployFailed(
        "E_DEPLOY_BUILD", f"The image of {service} cannot be built: it failed{where}", evidence=output, detail=step
    )


def start_failed(output: str) -> DeployFailed:
    """Compose could not start the containers, and none of them says why."""
    if _NO_SPACE.search(output):
        return no_space(output)
    if _PORT_TAKEN.search(output):
        taken = re.search(r"(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)", output)
        return port_taken(int(taken[1]) if taken else 0, output)
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
    return DeployFailed("E_DEPLOY_START", f"The containers cannot be started: {last.strip()}", evidence=output)


def no_space(output: str) -> DeployFailed:
    """The engine's disk is full."""
    return DeployFailed(
        "E_DEPLOY_SPACE",
        "There is no space left for the container engine. See what takes it with: docker system df",
        evidence=output,
    )


def port_taken(port: int, output: str = "") -> DeployFailed:
    """Another program has the port under which the project answers."""
    return DeployFailed(
        "E_DEPLOY_PORT",
        f"Port {port}, where this project answers, is taken by another program. "
        "End that one, or let the project have a new port with: smaker clean ID",
        evidence=output,
    )


def not_back(url: str, why: str) -> DeployFailed:
    """What ran before was stopped for the new one, and cannot be started again."""
    return DeployFailed(
        "E_DEPLOY_BACK",
        f"What answered at {url} cannot be started again. When what keeps it is mended: smaker deploy ID",
        evidence=why,
    )


def crashed(service: str, code: int, log: str, *, out_of_memory: bool = False) -> DeployFailed:
    """A container ended although it should run."""
    why = ": it used more memory than it may" if out_of_memory else ""
    return DeployFailed(
        "E_DEPLOY_CRASH",
        f"{service} ended with exit code {code} at its start{why}",
        evidence=log,
        detail=f"{service}:{code}",
    )


def never_healthy(what: str, transcript: str, log: str) -> DeployFailed:
    """The software runs and does not answer as it should."""
    return DeployFailed(
        "E_DEPLOY_HEALTH",
        f"{what}. A server in a container must listen on 0.0.0.0, not on 127.0.0.1",
        evidence=f"{transcript[-MAX_EVIDENCE // 2 :]}\n--- log\n{log[-MAX_EVIDENCE // 2 :]}",
        detail=what,
    )


def too_slow(what: str, seconds: float, output: str = "") -> DeployFailed:
    """Something took longer than it may, and was ended."""
    return DeployFailed("E_DEPLOY_TIMEOUT", f"{what} took longer than {seconds:g} s", evidence=output, detail=what)


def engine_away(error: Exception, host: str) -> Unavailable:
    """No container engine, or none that may be used."""
    words = f"{error}"
    if "Permission denied" in words or "PermissionError" in words:
        return Unavailable(
            f"The Docker engine at {host} may not be used by this user.",
            hint="Let yourself in with: sudo usermod -aG docker $USER (then log in again), or use rootless Docker.",
            code="E_DOCKER_PERMISSION",
        )
    return Unavailable(
        f"No Docker engine answers at {host}.",
        hint="Start it (sudo systemctl start docker), or deploy without: smaker deploy ID --target process",
        code="E_DOCKER_AWAY",
    )


def says_no_space(text: str) -> bool:
    """Whether a message of the engine is about a full disk."""
    return bool(_NO_SPACE.search(text))
