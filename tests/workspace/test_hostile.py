"""Configurations made to run foreign code: nothing of theirs runs, and history stays intact."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.testing import Canaries, assert_safe_failure, fingerprint

HOOKS = [
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-auto-gc",
    "post-checkout",
    "post-merge",
    "post-index-change",
    "reference-transaction",
    "post-rewrite",
    "pre-rebase",
    "post-applypatch",
    "fsmonitor-watchman",
    "update",
    "pre-receive",
    "post-receive",
    "pre-push",
]


def config(path: Path, text: str) -> None:
    with (path / ".git" / "config").open("a") as file:
        file.write(text)


def attributes(path: Path, text: str) -> None:
    (path / ".gitattributes").write_text(text)
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "attributes").write_text(text)


def fill_hooks(folder: Path, evil: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(evil)


def hooks(path: Path, evil: Path) -> None:
    fill_hooks(path / ".git" / "hooks", evil)


def hooks_path(path: Path, evil: Path) -> None:
    fill_hooks(path.parent / "hooks", evil)
    config(path, f"[core]\n\thooksPath = {path.parent / 'hooks'}\n")


def fsmonitor(path: Path, evil: Path) -> None:
    config(path, f"[core]\n\tfsmonitor = {evil}\n")


def filters(path: Path, evil: Path) -> None:
    config(path, f'[filter "evil"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired\n')
    attributes(path, "* filter=evil\n")


def signing(path: Path, evil: Path) -> None:
    config(path, f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {evil}\n[log]\n\tshowSignature = true\n")


def external_diff(path: Path, evil: Path) -> None:
    config(path, f"[diff]\n\texternal = {evil}\n")


def text_conversion(path: Path, evil: Path) -> None:
    config(path, f'[diff "evil"]\n\ttextconv = {evil}\n\tcommand = {evil}\n')
    attributes(path, "* diff=evil\n")


def included(path: Path, evil: Path) -> None:
    (path / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    config(path, f"[include]\n\tpath = {path / '.git' / 'more'}\n")


def included_if(path: Path, evil: Path) -> None:
    (path / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    config(path, f'[includeIf "gitdir:{path}/"]\n\tpath = {path / ".git" / "more"}\n')


def worktree_configuration(path: Path, evil: Path) -> None:
    (path / ".git" / "config.worktree").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    config(path, "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n")


def alias(path: Path, evil: Path) -> None:
    names = ("cat-file", "rev-list", "update-index", "ls-files", "diff-tree", "update-ref", "mine")
    config(path, "[alias]\n" + "".join(f"\t{name} = !{evil}\n" for name in names))


def merge_driver(path: Path, evil: Path) -> None:
    config(path, f'[merge "evil"]\n\tdriver = {evil}\n[merge]\n\tdefault = evil\n')
    attributes(path, "* merge=evil\n")


def lazy_fetch(path: Path, evil: Path) -> None:
    short = path.parent / "short.sh"  # a transport that ends at once
    short.write_text(evil.read_text().replace("cat\n", ""))
    config(
        path,
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = evil\n"
        f'[remote "evil"]\n\turl = ext::sh {short}\n\tpromisor = true\n[protocol]\n\tallow = always\n',
    )


TRICKS: list[tuple[Callable[[Path, Path], None], list[list[str]]]] = [
    (hooks, [["commit", "-q", "--allow-empty", "-m", "x"]]),
    (hooks_path, [["commit", "-q", "--allow-empty", "-m", "x"]]),
    (fsmonitor, [["status"]]),
    (filters, [["add", "--renormalize", "."]]),
    (signing, [["commit", "-q", "--allow-empty", "-m", "x"]]),
    (external_diff, [["diff", "--no-index", "a.txt", "b.bin"]]),
    (text_conversion, [["diff", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "HEAD"]]),
    (included, [["status"]]),
    (included_if, [["status"]]),
    (worktree_configuration, [["status"]]),
    (alias, [["mine"]]),
    (
        merge_driver,
        [
            ["checkout", "-q", "-b", "other"],
            ["rm", "-q", "b.bin"],
            ["commit", "-q", "-m", "o", "--allow-empty"],
            ["merge-tree", "--write-tree", "main~0", "other"],
        ],
    ),
    (lazy_fetch, [["cat-file", "-p", "1" * 40]]),
]


@pytest.mark.attack("G51", "G52", "G53", "G54", "G55", "G56", "G57", "G58", "G60")
@pytest.mark.parametrize(("trick", "provoked_by"), TRICKS, ids=[trick.__name__ for trick, _ in TRICKS])
async def test_a_trick_fires_for_git_but_not_for_us(
    project: Path,
    use_all: Any,
    evil: Path,
    marker: Path,
    git: Any,
    canaries: Canaries,
    trick: Callable[[Path, Path], None],
    provoked_by: list[list[str]],
) -> None:
    config_before = (project / ".git" / "config").read_bytes()
    trick(project, evil)
    theirs = fingerprint(project / ".git" / "config", *project.parent.glob("hooks"), evil)
    await use_all(project)
    assert not marker.exists()
    assert_safe_failure(None, unchanged=theirs, canaries=canaries, places=[project.parent])
    for arguments in provoked_by:
        git(*arguments, ok=False)
    if trick is not merge_driver:  # whether a driver is asked depends on git's version: not asking is fine
        assert marker.exists(), "the trick is none"
    (project / ".git" / "config").write_bytes(config_before)
    (project / ".gitattributes").unlink(missing_ok=True)
    git("fsck", "--strict", "--no-dangling")


async def test_our_git_is_never_pointed_at_their_git_folder(
    project: Path, use_all: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds for configurations nobody thought of yet: theirs is not read."""
    seen: list[list[str]] = []
    real = subprocess.Popen.__init__

    def spy(self: Any, command: Any, *args: Any, **kwargs: Any) -> None:
        seen.append(list(command))
        real(self, command, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "__init__", spy)
    await use_all(project)
    ours = [command for command in seen if "git" in command]
    assert len(ours) > 10
    for command in ours:
        assert command[:2] == ["env", "-i"]
        places = [part for part in command if part.startswith("GIT_DIR=")]
        fresh = {"init", "clone"} & set(command) or "remote" in command
        assert fresh or places[0].startswith(f"GIT_DIR={tmp_path / 'state' / 'git'}")
        assert "core.hooksPath" in " ".join(command)
