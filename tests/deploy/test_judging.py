"""Compose files that ask for too much: refused by name, as Compose reads them, before the engine hears of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from smaker.deploy.engine import connect
from smaker.deploy.failures import DeployFailed
from smaker.deploy.judging import composed, judge
from smaker.deploy.sources import check_references, dockerfile_report, lay_out

pytestmark = pytest.mark.timeout(120)

OUTSIDE = "/etc/passwd"

SERVICES: dict[str, tuple[dict[str, Any], str]] = {
    "privileged": ({"privileged": True}, "privileged"),
    "host processes": ({"pid": "host"}, "pid"),
    "host network": ({"network_mode": "host"}, "network_mode"),
    "another's network": ({"network_mode": "container:somebody"}, "network_mode"),
    "host ipc": ({"ipc": "host"}, "ipc"),
    "host users": ({"userns_mode": "host"}, "userns_mode"),
    "host uts": ({"uts": "host"}, "uts"),
    "cgroup": ({"cgroup": "host"}, "cgroup"),
    "cgroup parent": ({"cgroup_parent": "/"}, "cgroup_parent"),
    "capabilities": ({"cap_add": ["SYS_ADMIN"]}, "cap_add"),
    "devices": ({"devices": ["/dev/sda:/dev/sda"]}, "devices"),
    "device rules": ({"device_cgroup_rules": ["c 1:3 mr"]}, "device_cgroup_rules"),
    "all gpus": ({"gpus": "all"}, "gpus"),
    "a gpu": (
        {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
        "deploy.resources.devices",
    ),
    "runtime": ({"runtime": "other"}, "runtime"),
    "sysctls": ({"sysctls": {"net.ipv4.ip_forward": "1"}}, "sysctls"),
    "group": ({"group_add": ["docker"]}, "group_add"),
    "the host's name": ({"extra_hosts": ["host.docker.internal:host-gateway"]}, "extra_hosts"),
    "others' volumes": ({"volumes_from": ["container:somebody"]}, "volumes_from"),
    "links": ({"external_links": ["somebody"]}, "external_links"),
    "no seccomp": ({"security_opt": ["seccomp:unconfined"]}, "security_opt"),
    "no apparmor": ({"security_opt": ["apparmor=unconfined"]}, "security_opt"),
    "replicas": ({"deploy": {"replicas": 50}}, "deploy.replicas"),
    "scale": ({"scale": 50}, "scale"),
    "hook": ({"post_start": [{"command": "id", "privileged": True}]}, "post_start"),
    "provider": ({"provider": {"type": "model"}}, "provider"),
    "the socket": ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "volumes"),
    "the socket, to read": ({"volumes": ["/var/run/docker.sock:/s:ro"]}, "volumes"),
    "the machine": ({"volumes": ["/:/host:ro"]}, "volumes"),
    "the folder above": ({"volumes": ["../:/above:ro"]}, "volumes"),
    "the user's keys": ({"volumes": ["~/.ssh:/keys:ro"]}, "volumes"),
    "through a link": ({"volumes": ["./link:/x:ro"]}, "link"),
    "written back": ({"volumes": ["./here:/here"]}, "volumes"),
    "hundreds of ports": ({"ports": ["8000-8400:8000-8400"]}, "ports"),
    "context above": ({"build": {"context": ".."}}, "build.context"),
    "context by URL": ({"build": {"context": "https://example.invalid/repository.git"}}, "build.context"),
    "context by ssh": ({"build": {"context": "git@example.invalid:some/repository"}}, "build.context"),
    "Dockerfile above": ({"build": {"context": ".", "dockerfile": "../Dockerfile"}}, "build.dockerfile"),
    "more contexts": ({"build": {"context": ".", "additional_contexts": {"etc": "/etc"}}}, "build.additional_contexts"),
    "build on the host's network": ({"build": {"context": ".", "network": "host"}}, "build.network"),
    "build with privileges": ({"build": {"context": ".", "privileged": True}}, "build.privileged"),
    "build with entitlements": ({"build": {"context": ".", "entitlements": ["network.host"]}}, "build.entitlements"),
    "build with ssh": ({"build": {"context": ".", "ssh": ["default"]}}, "build.ssh"),
    "build with hosts": ({"build": {"context": ".", "extra_hosts": ["a:1.2.3.4"]}}, "build.extra_hosts"),
    "variables outside": ({"env_file": "../secrets.env"}, "env_file"),
    "variables of the machine": ({"env_file": [{"path": OUTSIDE}]}, "env_file"),
    "extended from outside": ({"extends": {"file": "../other.yaml", "service": "a"}}, "extends"),
    "extended by URL": ({"extends": {"file": "https://example.invalid/a.yaml", "service": "a"}}, "extends"),
    "extended from inside, which asks": ({"extends": {"file": "part.yaml", "service": "part"}}, "cap_add"),
}

FILES: dict[str, tuple[dict[str, Any], str]] = {
    "included from outside": ({"include": ["../other.yaml"]}, "include"),
    "included by URL": ({"include": ["https://example.invalid/repository.git"]}, "include"),
    "included from a registry": ({"include": [{"path": "oci://example.invalid/app:1"}]}, "include"),
    "included with variables": ({"include": [{"path": "part.yaml", "env_file": OUTSIDE}]}, "include.env_file"),
    "included, which includes": ({"include": ["outer.yaml"]}, "include"),
    "volume of the machine": (
        {"volumes": {"all": {"driver_opts": {"type": "none", "o": "bind", "device": "/"}}}},
        "driver_opts",
    ),
    "volume of others": ({"volumes": {"theirs": {"external": True}}}, "external"),
    "volume of a driver": ({"volumes": {"far": {"driver": "nfs"}}}, "driver"),
    "network of others": ({"networks": {"theirs": {"external": True}}}, "external"),
    "network of the machine": ({"networks": {"host": {"driver": "macvlan"}}}, "driver"),
    "secrets of the machine": ({"secrets": {"key": {"file": OUTSIDE}}}, "secrets"),
}


def project(compose: dict[str, Any]) -> dict[str, tuple[str, bytes]]:
    part = {"services": {"part": {"image": "a:1", "cap_add": ["SYS_ADMIN"]}}}
    outer = {"include": ["/etc/compose.yaml"], "services": {}}
    texts = {
        "compose.yaml": yaml.safe_dump(compose),
        "part.yaml": yaml.safe_dump(part),
        "outer.yaml": yaml.safe_dump(outer),
        "Dockerfile": "FROM scratch\n",
        "here/file": "x",
    }
    return {name: ("100644", text.encode()) for name, text in texts.items()}


def _using(asked: dict[str, Any]) -> dict[str, Any]:
    """What makes a service use what the file declares: Compose drops the rest."""
    found: dict[str, Any] = {"volumes": [f"{name}:/x" for name in asked.get("volumes", ())]}
    found |= {kind: [*asked[kind]] for kind in ("networks", "secrets") if kind in asked}
    return found


async def judged(files: dict[str, tuple[str, bytes]], folder: Path) -> Any:
    lay_out(files, folder / "source")
    check_references(folder / "source", "compose.yaml")
    engine = await connect(folder / "docker")
    words = ["--file", str(folder / "source/compose.yaml"), "--project-name", "t", "--env-file", "/dev/null"]
    ended = await engine.run(
        "compose", *words, "config", "--format", "json", timeout_s=30, what="config", separate=True
    )
    await engine.close()
    assert ended.code == 0, ended.output
    return judge(json.loads(ended.output), folder / "source")


@pytest.mark.attack("D142", "D143")
async def test_what_reaches_beyond_a_container_is_refused_by_name(engine: None, tmp_path: Path) -> None:
    cases = {
        name: ({"services": {"app": {"build": ".", "ports": ["8000"]} | asked}}, key)
        for name, (asked, key) in SERVICES.items()
    }
    cases |= {
        name: ({"services": {"app": {"build": ".", "ports": ["8000"]} | _using(asked)}} | asked, key)
        for name, (asked, key) in FILES.items()
    }
    wrong: list[str] = []
    for number, (name, (compose, key)) in enumerate(cases.items()):
        files = project(compose)
        if name == "through a link":
            files["link"] = ("120000", b"/etc")
        try:
            found = await judged(files, tmp_path / str(number))
            wrong.append(f"{name}: {found}")
        except DeployFailed as refused:
            if not refused.message.startswith(f"deploy refused: {key} at "):
                wrong.append(f"{name}: {refused.message}")
            assert refused.code == "E_DEPLOY_REFUSED"
    assert not wrong, "\n".join(wrong)


@pytest.mark.attack("D142")
async def test_a_refused_file_starts_nothing_and_is_a_finding(yard: Any) -> None:
    compose = "services: {app: {build: ., privileged: true, ports: ['8000']}}\n"
    done = await yard.deploy(yard.software() | {"compose.yaml": ("100644", compose.encode())})
    assert [finding.message for finding in done.findings] == ["deploy refused: privileged at app"]
    assert done.deployment is None
    assert yard.on_engine() == yard.nothing | {"volumes": []}
    assert not any("Step" in said for said in yard.said)


@pytest.mark.attack("D144", "D147")
async def test_what_is_harmless_is_kept_and_the_rest_is_ours(engine: None, tmp_path: Path) -> None:
    compose = {
        "services": {
            "app": {
                "build": {"context": ".", "args": {"VERSION": "1"}},
                "ports": ["0.0.0.0:80:8000"],
                "environment": {"PRICE": "5$$"},
                "volumes": ["data:/data", "./here:/here:ro", {"type": "tmpfs", "target": "/t"}],
                "labels": {"smaker.home": "forged", "com.docker.compose.project": "theirs", "mine": "yes"},
                "container_name": "somebody",
                "mem_limit": "100m",
                "cpus": 64,
                "depends_on": {"once": {"condition": "service_completed_successfully"}},
            },
            "once": {"image": "python:3.13-slim", "command": "true"},
        },
        "volumes": {"data": {"name": "somebodys-data"}},
    }
    found = await judged(project(compose), tmp_path)
    labels = {"smaker.home": "ours"}
    (port,) = found.ports
    trial = composed(found, name="n", images={"app": "i"}, labels=labels, ports=None, volumes=None)
    live = composed(found, name="n", images={"app": "i"}, labels=labels, ports={port: 1234}, volumes={"data": "d"})
    app = live["services"]["app"]
    assert app["ports"] == [
        {"target": 8000, "host_ip": "127.0.0.1", "protocol": "tcp", "mode": "ingress", "published": "1234"}
    ]
    assert "published" not in trial["services"]["app"]["ports"][0]
    assert (app["mem_limit"], app["cpus"], app["pids_limit"]) == (str(100 << 20), 2.0, 512)
    assert app["labels"] == {"mine": "yes", "smaker.home": "ours"}
    assert app["environment"] == {"PRICE": "5$$"}
    assert "container_name" not in app
    assert live["volumes"] == {"data": {"name": "d", "external": True}}
    assert trial["volumes"] == {"data": {"labels": labels}}
    assert [trial["services"][name]["restart"] for name in ("app", "once")] == ["no", "no"]
    assert [live["services"][name]["restart"] for name in ("app", "once")] == ["unless-stopped", "no"]
    said = " ".join(warning.message for warning in found.warnings)
    assert "published on every address" in said
    assert "container_name is not kept" in said


@pytest.mark.attack("D145")
def test_a_dockerfile_is_reported_on() -> None:
    text = """FROM python
FROM node:20-slim AS front
FROM front
FROM alpine:latest
FROM debian@sha256:0123
ADD https://example.invalid/x /x
RUN --mount=type=secret,id=key cat /run/secrets/key
ENV API_KEY=abc
COPY . .
"""
    found = dockerfile_report("Dockerfile", text)
    assert [finding.message for finding in found] == [
        "Dockerfile:1: FROM python is not pinned to a version",
        "Dockerfile:4: FROM alpine:latest is not pinned to a version",
        "Dockerfile:6: ADD fetches from the network",
        "Dockerfile:7: a secret mount, and none is given",
        "Dockerfile:8: API_KEY stays in the image",
    ]
    assert {finding.severity.value for finding in found} == {"warning"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: [", "cannot be read"),
        ("- a list", "is not a Compose file"),
        ("x: !!python/object:os.system {}", "cannot be read"),
        ("a: " + "x" * 300_000, "larger than"),
    ],
    ids=["broken", "list", "python", "large"],
)
def test_what_is_no_compose_file_is_said_so(text: str, says: str, tmp_path: Path) -> None:
    lay_out({"compose.yaml": ("100644", text.encode())}, tmp_path / "source")
    with pytest.raises(DeployFailed, match=says):
        check_references(tmp_path / "source", "compose.yaml")


def test_links_within_the_project_and_modes_are_kept(tmp_path: Path) -> None:
    files = {"a/run.sh": ("100755", b"#!/bin/sh\n"), "run": ("120000", b"a/run.sh")}
    lay_out(files, tmp_path / "source")
    assert (tmp_path / "source/run").resolve() == (tmp_path / "source/a/run.sh").resolve()
    assert (tmp_path / "source/a/run.sh").stat().st_mode & 0o111
    with pytest.raises(DeployFailed, match="deploy refused: link at a/b"):
        lay_out({"a/b": ("120000", b"../../x")}, tmp_path / "other")
