"""The machine's package registries, as its own pip and npm tell them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from smaker.sandbox import host, registries


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip configuration file that is the only one."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_", "NODE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
    config = tmp_path / "pip.conf"
    config.write_text("[global]\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    return config


async def test_configured_hosts_are_the_only_ones(pip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip.write_text(
        "[global]\nindex-url = https://one.example/simple/\ntrusted-host = two.example\ntimeout = 9\n"
        "[install]\nextra-index-url =\n  http://two.example:8081/simple\n  https://THREE.example./simple\n"
        "[list]\nindex-url = https://not-for-installing.example/simple\n"
    )
    monkeypatch.setenv("PIP_PROXY", "http://proxy.example:8080")
    found = await registries.find()
    names = {name for name, _ in found.hosts}
    assert {("one.example", 443), ("two.example", 8081), ("three.example", 443)} <= found.hosts
    assert "not-for-installing.example" not in names
    assert found.variables["PIP_INDEX_URL"] == "https://one.example/simple/"
    assert found.variables["PIP_EXTRA_INDEX_URL"].split() == [
        "http://two.example:8081/simple",
        "https://THREE.example./simple",
    ]
    assert found.variables["PIP_TRUSTED_HOST"] == "two.example"
    assert found.proxy == "http://proxy.example:8080"


async def test_a_variable_wins_over_the_file(pip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip.write_text("[global]\nindex-url = https://one.example/simple\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://two.example:8443/simple")
    found = await registries.find()
    assert ("two.example", 8443) in found.hosts
    assert "one.example" not in {name for name, _ in found.hosts}


async def test_without_configuration_pip_itself_says_its_index(pip: Path) -> None:
    listed = await host.ask(
        sys.executable,
        "-c",
        "from pip._internal.models.index import PyPI; print(PyPI.netloc, PyPI.file_storage_domain)",
    )
    assert listed is not None
    found = await registries.find()
    assert {(name, 443) for name in listed.split()} <= found.hosts


async def test_no_index_is_no_host(pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "true")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path / 'wheels'} https://links.example/page.html")
    monkeypatch.setenv("PATH", "/nonexistent")
    found = await registries.find()
    assert {name for name, _ in found.hosts} >= {"links.example"}
    assert found.variables["PIP_NO_INDEX"] == "1"
    assert "PIP_INDEX_URL" not in found.variables
    assert tmp_path / "wheels" in found.folders


async def test_an_index_on_disk_is_shown_with_the_files_it_links_to(pip: Path, tmp_path: Path) -> None:
    simple = tmp_path / "mirror" / "simple"
    for name in ("six", "idna"):
        (simple / name).mkdir(parents=True)
        (simple / name / "index.html").write_text(f'<a href="../../files/{name}/x.whl#sha256=0">x</a>')
        (tmp_path / "mirror" / "files" / name).mkdir(parents=True)
    pip.write_text(f"[global]\nindex-url = {simple.as_uri()}\n")
    found = await registries.find()
    assert {simple, tmp_path / "mirror" / "files"} <= set(found.folders)
    assert "file" not in {name for name, _ in found.hosts}


async def test_a_folder_that_holds_the_home_is_not_shown(
    pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "wheels" / "home"))
    (tmp_path / "wheels" / "home").mkdir(parents=True)
    pip.write_text(f"[global]\nfind-links = {tmp_path / 'wheels'}\n")
    found = await registries.find()
    assert tmp_path / "wheels" not in found.folders
    assert "holds a home folder" in caplog.text


async def test_certificates_are_shown_and_named(pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one.pem", "two.pem"):
        (tmp_path / name).touch()
    pip.write_text(f"[global]\ncert = {tmp_path / 'one.pem'}\n")
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "two.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    found = await registries.find()
    assert {tmp_path / "one.pem", tmp_path / "two.pem"} <= set(found.folders)
    assert found.variables["PIP_CERT"] == str(tmp_path / "one.pem")
    assert found.variables["NODE_EXTRA_CA_CERTS"] == str(tmp_path / "two.pem")
    assert "REQUESTS_CA_BUNDLE" not in found.variables


@pytest.mark.node
async def test_npms_registries_are_read(pip: Path, tmp_path: Path) -> None:
    (tmp_path / "npmrc").write_text("registry=https://npm.example:8443/\n@me:registry=https://mine.example/npm\n")
    found = await registries.find()
    assert {("npm.example", 8443), ("mine.example", 443)} <= found.hosts
    assert found.variables["npm_config_registry"] == "https://npm.example:8443/"


async def test_broken_answers_are_no_answers(pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "npm").write_text("#!/bin/sh\necho '[not json'\n")
    (tools / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    found = await registries.find()
    assert not any(name.startswith("npm") for name in found.variables)
    assert found.hosts


async def test_an_environment_without_pip_asks_the_base_one(
    pip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "python-without-pip"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    pip.write_text("[global]\nindex-url = https://one.example/simple\n")
    assert ("one.example", 443) in (await registries.find()).hosts
