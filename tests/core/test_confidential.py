"""Which files hold credentials by their names, and what a model may see of them."""

from __future__ import annotations

import time

import pytest

from smaker.core.confidential import confidential_values, is_confidential, text_without_values


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "app/.env.production",
        "prod.env",
        ".netrc",
        ".npmrc",
        "deploy/id_rsa",
        "id_ed25519",
        "server.key",
        "tls/cert.pem",
        "~/.aws/credentials",
        "secrets.yaml",
        "service-account-prod.json",
        "live.tfvars",
        ".git-credentials",
    ],
)
def test_names_of_credentials(path: str) -> None:
    assert is_confidential(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env.example",
        "deploy/.env.sample",
        "environment.py",
        "id_rsa.pub",
        "secrets.py",
        "README.md",
        "credentials/form.html",
        "monkey.py",
        "keyboard.json",
    ],
)
def test_names_of_others(path: str) -> None:
    assert not is_confidential(path)


SETTINGS = """# the shop
export API_KEY="tooth brush 17"
DEBUG=true
PORT=8000
DATABASE_URL=postgres://shop:open-sesame@db.example/shop
MAIL_PASSWORD=correct-horse-battery # the new one
# OLD_TOKEN=from-last-year
SHORT_PASSWORD=ab1
"""


def test_settings_keep_their_names() -> None:
    shown = text_without_values(".env", SETTINGS.encode())
    for name in ("# the shop", "export API_KEY=", "DATABASE_URL=", "MAIL_PASSWORD=", "# OLD_TOKEN=", "SHORT_PASSWORD="):
        assert name in shown
    for value in ("brush", "sesame", "horse", "last-year", "ab1"):
        assert value not in shown


def test_what_is_masked_elsewhere() -> None:
    found = set(confidential_values(".env", SETTINGS.encode()))
    assert found == {"tooth brush 17", "open-sesame", "correct-horse-battery", "from-last-year"}


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        (".netrc", "machine git.example login me password opensesame99\n", "opensesame99"),
        (".pgpass", "db:5432:shop:me:opensesame99\n", "opensesame99"),
        (".git-credentials", "https://me:opensesame99@git.example\n", "opensesame99"),
        ("secrets.json", '{\n  "password": "opensesame99",\n  "user": "me"\n}\n', "opensesame99"),
        (".npmrc", "//registry.example/:_authToken=opensesame99\n", "opensesame99"),
        ("secrets.yaml", "mail:\n  password: opensesame99\n", "opensesame99"),
        ("id_rsa", "-----BEGIN X-----\nb3BlbnNlc2FtZTk5b3Blbg\n-----END X-----\n", "b3BlbnNlc2FtZTk5b3Blbg"),
    ],
)
def test_kinds_of_files(path: str, text: str, value: str) -> None:
    assert value in set(confidential_values(path, text.encode()))
    assert value not in text_without_values(path, text.encode())


def test_a_binary_key_is_named_by_its_size() -> None:
    assert "4,096 bytes" in text_without_values("store.p12", bytes(range(256)) * 16)


@pytest.mark.parametrize("line", ["a" * 200_000, "a:" * 100_000, "=" * 200_000, " " * 200_000, "export " * 30_000])
def test_hostile_lines_take_no_time(line: str) -> None:
    began = time.process_time()
    text_without_values(".env", line.encode())
    list(confidential_values(".env", line.encode()))
    assert time.process_time() - began < 1
