"""The security programme: every attack has a test that is marked with it."""

from __future__ import annotations

import ast
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

ATTACKS = {
    # files, as an agent or the model behind it would write them
    "F1": "../x",
    "F2": "an absolute path",
    "F3": "a/../../x",
    "F4": "through a link to a folder",
    "F5": "through a link to a file",
    "F6": "a link that is swapped in during the write",
    "F7": "a hard link to a file outside",
    "F8": "/proc/self/root and /proc/self/fd",
    "F9": "NUL in a path",
    "F10": "paths of Windows: backslashes, drives, shares, devices, streams",
    "F11": "a name of more than 255 bytes, a path of more than 4096",
    "F12": ".git in any spelling",
    "F13": "smaker's own files",
    "F14": "a file in place of a folder, a folder in place of a file",
    "F15": "a pipe or a device as the target",
    "F16": "a file of 2 GB",
    "F17": "a million tiny files",
    "F18": "an archive whose members lead outside",
    "F19": "an archive that grows a thousandfold",
    "F20": "reading .env or a private key that lies in the repository",
    "F21": "a change that deletes more than half of the files",
    "F22": "an edit of a file that its user has changed meanwhile",
    # commands of the software that is built
    "C23": "read ~/.ssh",
    "C24": "read keys from an environment",
    "C25": "reach the host's own services",
    "C26": "leave by DNS, UDP, ICMP, MPTCP or Fast Open",
    "C27": "sockets of docker, agents, displays and D-Bus",
    "C28": "remove everything",
    "C29": "a fork bomb",
    "C30": "take all memory",
    "C31": "fill the disk",
    "C32": "endless output",
    "C33": "processes that outlive their command",
    "C34": "ignore SIGTERM and hang",
    "C35": "wait for input or a password",
    "C36": "type into the user's terminal",
    "C37": "signal or trace smaker",
    "C38": "mount, make namespaces, keyrings, bpf, io_uring",
    "C39": "write the kernel's settings as root",
    "C40": "set-uid programs",
    "C41": "inherited file descriptors",
    "C42": "file names that are options or shell code",
    "C43": "chains, expansions and invisible characters made to hide a command",
    "C44": "variables that make programs load code",
    "C45": "a package that runs code while it is installed",
    "C46": "a package of a misspelt name",
    "C47": "a port that is taken",
    "C48": "an exit code or a printed word that lies",
    "C49": "a test run or a fix that rewrites the tests",
    "C50": "no sandbox",
    # repositories
    "G51": "hooks",
    "G52": "core.hooksPath",
    "G53": "core.fsmonitor",
    "G54": "filters",
    "G55": "gpg.program",
    "G56": "diff.external and textconv",
    "G57": "include and includeIf",
    "G58": "config.worktree",
    "G59": "a .git file that points to another repository",
    "G60": "aliases",
    "G61": "a nested repository",
    "G62": "a nested repository that runs code when it is looked at",
    "G63": ".gitmodules with commands for addresses",
    "G64": "names that are options or revisions",
    "G65": "a commit message that forges a trailer",
    "G66": "a credential in a commit",
    "G67": "a credential that is in the history already",
    "G68": "GIT_* variables of the user's shell",
    "G69": "the user's own hooks, signing and credential helpers",
    "G70": "a repository of another user",
    "G71": "a hostile repository that is cloned",
    # configuration
    "Y72": "!!python/object",
    "Y73": "billion laughs",
    "Y74": "a key twice",
    "Y75": "no, 0777 and 12:30",
    "Y76": "deep nesting",
    "Y77": "60,000 keys, more than 256 kB",
    "Y78": "UTF-16, bad UTF-8, tabs, NUL",
    "Y79": "an unknown key",
    "Y80": "a literal credential",
    "Y81": "a project's file that allows itself more",
    "Y82": "api_key_env that names another's key, or no key",
    "Y83": "a base_url made to reach what it must not",
    "Y84": ".env in a repository",
    "Y85": "limits that are negative, not numbers, or enormous",
    "Y86": "paths that leave the project",
    "Y87": "a user's file that others may change",
    # prompts and models
    "P88": "a README that orders to fetch a script and run it",
    "P89": "orders hidden in code, output, traces, packages, pages, names, messages and invisible characters",
    "P90": "an order to print the environment or the instructions",
    "P91": "an image or a link whose address carries data away",
    "P92": "a plan that draws an approval of its own",
    "P93": "a model that edits the configuration or the plan",
    "P94": "calls of tools that are unknown, ill-formed, a thousand, or within what a call returned",
    "P95": "an answer with somebody else's key",
    "P96": "a prompt with a key",
    "P97": "prompts of 500 kB, empty, of blanks, with NUL",
    "P98": "a claim that all tests pass",
    "P99": "a provider that redirects elsewhere",
    "P100": "a refusal that quotes the key",
    "P101": "answers that grow, drip or never end",
    "P102": "a bad certificate, a cloud provider without TLS",
    "P103": "proxies of the environment",
    # pages in the browser
    "B131": "a page that asks the host, the network or a cloud's metadata",
    "B132": "a redirect to another origin",
    "B133": "sockets of pages and workers, service workers",
    "B134": "file:, chrome: and view-source: addresses",
    "B135": "endless dialogs, pages that will not be left, a thousand windows",
    "B136": "a page of millions of elements, one that grows as it is scrolled, a script that runs on and on",
    "B137": "a download, and the upload of a key",
    "B138": "orders in the text of a page",
    "B139": "a million lines on the console",
    "B140": "a page 30,000 pixels high",
    "B141": "a tab that crashes",
    # deployments in containers
    "D142": "a Compose file that asks for the machine: privileges, its namespaces, devices, socket, folders",
    "D143": "a Compose file that reads, includes or builds what is not in the project",
    "D144": "ports for the whole network",
    "D145": "a Dockerfile that fetches, wants secrets, or stands on what may change",
    "D146": "credentials in the layers of an image",
    "D147": "names and labels of other people's containers",
    "D148": "health checks that lie, flap or lead elsewhere, builds that hang",
    "D149": "what a killed deployment left",
    "D150": "no engine",
    # the terminal app
    "T161": "markup in the text of a model, a file, a program or a user",
    "T162": "clear the screen, write the clipboard, link, move the cursor",
    "T163": "text that hides or reorders what is read",
    "T164": "a line of 200 MB",
    "T165": "a terminal of one cell, a storm of sizes, no terminal, no colours, no UTF-8",
}

NOT_YET = {
    "P91": "there is no web page yet that could load what a model wrote",
}
"""What of an attack that has tests cannot be tried, for what it is aimed at does not exist."""


def marked() -> Iterator[tuple[str, str]]:
    """Yield each attack that a test is marked with, and the test."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for call in node.decorator_list:
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.attack":
                        for name in call.args:
                            yield ast.literal_eval(name), f"{path.relative_to(TESTS)}::{node.name}"


COVERED: dict[str, list[str]] = defaultdict(list)
for attack, test in marked():
    COVERED[attack].append(test)


def test_the_list_is_whole() -> None:
    spans = {
        "F": range(1, 23),
        "C": range(23, 51),
        "G": range(51, 72),
        "Y": range(72, 88),
        "P": range(88, 104),
        "B": range(131, 142),
        "D": range(142, 151),
        "T": range(161, 166),
    }
    assert list(ATTACKS) == [f"{group}{number}" for group, numbers in spans.items() for number in numbers]
    assert set(NOT_YET) <= set(COVERED)
    assert set(COVERED) <= set(ATTACKS), "tests are marked with attacks that are not listed"


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_has_a_test(name: str) -> None:
    assert COVERED.get(name), f"{name}, {ATTACKS[name]}, has no test"


@pytest.mark.attack
def test_what_is_marked_is_searched_for_canaries(request: pytest.FixtureRequest) -> None:
    assert os.environ["OPENAI_API_KEY"] in request.getfixturevalue("canaries").values.values()
