"""What a Compose file may ask for, and what becomes of it: an allow-list over what Compose itself makes of the file.

What is run is a file of ours, written from what was judged here; the project's own file is not read again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smaker.core.models import Finding
from smaker.deploy.failures import DeployFailed, refused, warning

MEMORY = 1 << 30  # bytes for one service, unless the file asks for less
CPUS = 2.0
PIDS = 512
MAX_SERVICES = 20
MAX_PORTS = 20
LOGGING = {"driver": "json-file", "options": {"max-size": "5m", "max-file": "2"}}

AS_IT_IS = frozenset(
    {
        "command",
        "entrypoint",
        "environment",
        "working_dir",
        "user",
        "init",
        "stop_signal",
        "stop_grace_period",
        "tty",
        "stdin_open",
        "read_only",
        "expose",
        "healthcheck",
        "depends_on",
        "hostname",
        "cap_drop",
        "platform",
        "image",
    }
)
"""Keys of a service that cannot reach beyond its container."""

SET_BY_US = frozenset(
    {
        "build",
        "ports",
        "volumes",
        "networks",
        "security_opt",
        "restart",
        "logging",
        "container_name",
        "labels",
        "deploy",
        "mem_limit",
        "cpus",
        "pids_limit",
        "pull_policy",
        "tmpfs",
        "shm_size",
        "env_file",
        "develop",
        "attach",
        "scale",
        "privileged",
        "profiles",
        "annotations",
        "memswap_limit",
        "mem_reservation",
    }
)
"""Keys that are judged one by one, or that we set whatever the file says."""

BUILD_KEYS = frozenset(["context", "dockerfile", "args", "target", "labels", "tags", "no_cache", "pull", "shm_size"])
TOP_KEYS = frozenset(["name", "services", "networks", "volumes", "version"])
HARMLESS_OPTIONS = frozenset({"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"})
RESERVED = ("smaker.", "com.docker.")


@dataclass(frozen=True)
class Build:
    """How one service's image is made; paths within the project."""

    service: str
    context: str
    dockerfile: str
    args: Mapping[str, str | None] = field(default_factory=dict)
    target: str | None = None


@dataclass(frozen=True, order=True)
class Port:
    """A port of a service that the file publishes."""

    service: str
    target: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.service}:{self.target}/{self.protocol}"


@dataclass(frozen=True)
class Judged:
    """What may be run."""

    services: Mapping[str, Mapping[str, Any]]  # only what is in AS_IT_IS, with our own limits
    builds: tuple[Build, ...]
    ports: tuple[Port, ...]
    volumes: tuple[str, ...]  # named volumes, which outlive a deployment
    networks: Mapping[str, bool]  # name -> whether it is internal
    once: frozenset[str]  # services that are to end by themselves
    warnings: tuple[Finding, ...] = ()


def judge(config: Mapping[str, Any], folder: Path) -> Judged:
    """Judge what ``docker compose config --format json`` made of the files in ``folder``. Raises DeployFailed."""
    for key in config:
        if key not in TOP_KEYS and not key.startswith("x-"):
            raise refused(key, "the file")
    services: Mapping[str, Mapping[str, Any]] = config.get("services") or {}
    if not services or len(services) > MAX_SERVICES:
        raise DeployFailed("E_DEPLOY_COMPOSE", f"The Compose file has {len(services)} services")
    found: dict[str, dict[str, Any]] = {}
    builds: list[Build] = []
    ports: list[Port] = []
    warnings: list[Finding] = []
    once: set[str] = set()
    for name, service in services.items():
        found[name] = _service(name, service, folder)
        if service.get("build") is not None:
            builds.append(_build(name, service["build"], folder))
        elif not service.get("image"):
            raise DeployFailed("E_DEPLOY_COMPOSE", f"{name} has neither a build nor an image")
        for entry in service.get("ports") or ():
            ports.append(_port(name, entry))
            if entry.get("host_ip") not in {"127.0.0.1", "::1"}:
                words = f"{ports[-1]} was published on every address; it is on 127.0.0.1 now"
                warnings.append(warning(words, detail=f"port:{ports[-1]}"))
        if service.get("container_name"):
            warnings.append(warning(f"{name}: container_name is not kept", detail=f"container_name:{name}"))
        for other, how in (service.get("depends_on") or {}).items():
            if isinstance(how, dict) and how.get("condition") == "service_completed_successfully":
                once.add(other)
    if len(set(ports)) != len(ports) or len(ports) > MAX_PORTS:
        raise refused("ports", "the file", f"each once, and at most {MAX_PORTS}")
    return Judged(
        services=found,
        builds=tuple(builds),
        ports=tuple(sorted(ports)),
        volumes=tuple(sorted(_volume(name, body or {}) for name, body in (config.get("volumes") or {}).items())),
        networks={name: _network(name, body or {}) for name, body in (config.get("networks") or {}).items()},
        once=frozenset(once),
        warnings=tuple(warnings),
    )


def _service(name: str, service: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,60}", name):
        raise refused("services", name[:60], "use lower-case letters, digits and hyphens")
    for key, value in service.items():
        if key not in AS_IT_IS | SET_BY_US and not key.startswith("x-") and value not in (None, False, [], {}):
            raise refused(key, name)
    if service.get("privileged"):
        raise refused("privileged", name)
    for option in service.get("security_opt") or ():
        if option not in HARMLESS_OPTIONS:
            raise refused("security_opt", name, str(option))
    if int(service.get("scale") or 1) > 1:
        raise refused("scale", name)
    kept = {key: value for key, value in service.items() if key in AS_IT_IS and value is not None}
    volumes = [_mount(name, entry, folder) for entry in service.get("volumes") or ()]
    limits = _limits(name, service)
    labels = service.get("labels") or {}
    return (
        kept
        | limits
        | {
            "volumes": volumes,
            "tmpfs": list(service.get("tmpfs") or ()),
            "networks": dict.fromkeys(service.get("networks") or {"default": None}),
            "labels": {key: value for key, value in labels.items() if not key.startswith(RESERVED)},
            "security_opt": ["no-new-privileges:true"],
            "logging": LOGGING,
        }
    )


def _limits(name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """The least of what the file asks for and what we allow."""
    deploy: Mapping[str, Any] = service.get("deploy") or {}
    for key, value in deploy.items():
        if key not in {"resources", "placement", "mode", "replicas", "restart_policy"} and value not in (None, {}, []):
            raise refused(f"deploy.{key}", name)
    if int(deploy.get("replicas") or 1) > 1:
        raise refused("deploy.replicas", name)
    resources: Mapping[str, Any] = deploy.get("resources") or {}
    limits: Mapping[str, Any] = resources.get("limits") or {}
    if any((part or {}).get("devices") for part in (limits, resources.get("reservations"))):
        raise refused("deploy.resources.devices", name)
    return {
        "mem_limit": str(int(min([MEMORY, *_numbers(service.get("mem_limit"), limits.get("memory"))]))),
        "cpus": min([CPUS, *_numbers(service.get("cpus"), limits.get("cpus"))]),
        "pids_limit": int(min([PIDS, *_numbers(service.get("pids_limit"), limits.get("pids"))])),
    }


def _numbers(*values: Any) -> list[float]:
    """What is said of a limit; Compose has turned units into bytes, and 0 and -1 are no limit."""
    return [number for value in values if value is not None and (number := float(value)) > 0]


def _mount(name: str, entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    source, target = str(entry.get("source") or ""), str(entry.get("target") or "")
    match entry.get("type"):
        case "volume":
            if (entry.get("volume") or {}).get("subpath"):
                raise refused("volumes.subpath", name)
            return {"type": "volume", "target": target, "read_only": bool(entry.get("read_only"))} | (
                {"source": source} if source else {}
            )
        case "tmpfs":
            return {"type": "tmpfs", "target": target}
        case "bind":
            if not entry.get("read_only"):
                raise refused("volumes", name, f"{target} can be written; keep data in a named volume")
            inside = _relative(source, folder, "volumes", name)
            return {"type": "bind", "source": str(folder / inside), "target": target, "read_only": True}
        case other:
            raise refused(f"volumes.{other}", name)


def _relative(path: str, folder: Path, key: str, name: str) -> str:
    """A path of the merged file, absolute by now, as one within the project; links are followed."""
    root = folder.resolve()
    real = (folder / path).resolve()
    if "://" in path or not real.is_relative_to(root):
        raise refused(key, name, "outside of the project")
    if not real.exists():
        raise refused(key, name, f"there is no {posixpath.basename(path)} in the project")
    return str(real.relative_to(root))


def _build(name: str, build: Mapping[str, Any], folder: Path) -> Build:
    for key, value in build.items():
        if key not in BUILD_KEYS and value not in (None, False, [], {}):
            raise refused(f"build.{key}", name)
    context = _relative(str(build.get("context") or "."), folder, "build.context", name)
    dockerfile = str(build.get("dockerfile") or "Dockerfile")
    inside = _relative(str(folder / context / dockerfile), folder, "build.dockerfile", name)
    return Build(name, context, inside, dict(build.get("args") or {}), build.get("target"))


def _port(name: str, entry: Mapping[str, Any]) -> Port:
    target, protocol = entry.get("target"), str(entry.get("protocol") or "tcp")
    if not isinstance(target, int) or not 0 < target < 65536 or "-" in str(entry.get("published") or ""):
        raise refused("ports", name, "publish single ports")
    if protocol not in {"tcp", "udp"}:
        raise refused("ports", name, protocol)
    return Port(name, target, protocol)


def _volume(name: str, body: Mapping[str, Any]) -> str:
    if body.get("external"):
        raise refused("external", f"volume {name}")
    if body.get("driver") not in (None, "local") or body.get("driver_opts"):
        raise refused("driver_opts" if body.get("driver_opts") else "driver", f"volume {name}")
    return name


def _network(name: str, body: Mapping[str, Any]) -> bool:
    if body.get("external"):
        raise refused("external", f"network {name}")
    if body.get("driver") not in (None, "bridge", "") or body.get("driver_opts") or (body.get("ipam") or {}):
        raise refused("driver", f"network {name}")
    return bool(body.get("internal"))


def composed(
    judged: Judged,
    *,
    name: str,
    images: Mapping[str, str],
    labels: Mapping[str, str],
    ports: Mapping[Port, int] | None,
    volumes: Mapping[str, str] | None,
) -> dict[str, Any]:
    """The Compose file that is run. ``ports`` are those of this machine (None: the engine picks free ones); ``volumes``
    the existing ones that hold the data (None: fresh ones, that go with the containers). A trial has neither, is
    not started again when it ends, and has its health looked at more often."""
    trial = ports is None
    services: dict[str, Any] = {}
    for service, body in judged.services.items():
        published = [
            {"target": port.target, "host_ip": "127.0.0.1", "protocol": port.protocol, "mode": "ingress"}
            | ({} if ports is None else {"published": str(ports[port])})
            for port in judged.ports
            if port.service == service
        ]
        services[service] = dict(body) | {
            "ports": published,
            "labels": {**body["labels"], **labels},
            "restart": "no" if trial or service in judged.once else "unless-stopped",
        }
        if service in images:
            services[service] |= {"image": images[service], "pull_policy": "never"}
        health = body.get("healthcheck") or {}
        if trial and not health.get("disable"):
            services[service]["healthcheck"] = {**health, "interval": "2s"}
    return {
        "name": name,
        "services": services,
        "networks": {
            network: {"internal": internal, "labels": dict(labels)} for network, internal in judged.networks.items()
        },
        "volumes": {
            volume: {"labels": dict(labels)} if volumes is None else {"name": volumes[volume], "external": True}
            for volume in judged.volumes
        },
    }
