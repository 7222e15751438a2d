"""Verify a proof bundle: from a clean clone of the history in it, see again all that it claims.

Nothing of the machine on which it was made takes part, and nothing it says is taken for true: the tests are run anew on
the commit it names, and once more on the commits on which they are said to have failed.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from smaker.agents.evidence import parse_junit
from smaker.agents.exhibits import exhibit_checks
from smaker.agents.inspection import inspect_proofs, test_sources
from smaker.agents.red_first import WHOLE
from smaker.config.spec_file import SPEC_FILE, load_spec
from smaker.core.bundle import LEDGER, REPOSITORY, Bundle, Check, broken_line
from smaker.core.errors import NotFound, SmakerError
from smaker.core.models import TestReport, TestResult, TestStatus
from smaker.core.ports import Checkout, Command, Environments, Sandbox, Workspace, Workspaces
from smaker.core.profile import Profile
from smaker.core.proof import trace
from smaker.profiles import Catalog

NAMED = 5  # of a list that says what is wrong


@dataclass(frozen=True)
class Verifier:
    """What verifying works through. ``say`` is told what goes on."""

    workspaces: Workspaces
    sandbox: Sandbox
    environments: Environments
    catalog: Catalog
    timeout_s: float
    say: Callable[[str], None]

    async def verify(self, bundle: Bundle) -> tuple[Check, ...]:
        """Look at everything; later checks are left out where an earlier one leaves them nothing to look at.

        Raises SandboxUnavailable, Unavailable.
        """
        wrong = broken_line(bundle.files[LEDGER])
        lines = bundle.files[LEDGER].count(b"\n")
        checks = [
            Check(name="bundle", ok=True, seen=f"{len(bundle.files)} entries, as they were written"),
            Check(
                name="ledger", ok=wrong is None, seen=f"{lines} steps" if wrong is None else f"line {wrong} was changed"
            ),
        ]
        with tempfile.TemporaryDirectory(prefix="smaker-verify-") as folder:
            source = Path(folder) / REPOSITORY
            source.write_bytes(bundle.files[REPOSITORY])
            self.say("cloning its history")
            try:
                workspace = await self.workspaces.unbundle(source, Path(folder) / "files")
            except SmakerError as error:
                return (*checks, Check(name="history", ok=False, seen=error.message))
            checks.append(await _history(workspace, bundle))
            if checks[-1].ok:
                if wrong is None:
                    trees = {await workspace.tree(commit.sha): commit.sha for commit in await workspace.history()}
                    checks += exhibit_checks(bundle, trees)
                checks += await self._software(workspace, bundle)
        return tuple(checks)

    async def _software(self, workspace: Workspace, bundle: Bundle) -> list[Check]:
        claims = bundle.claims
        profile = self.catalog.of(claims.spec).profile
        async with _checkout(workspace, "verify", claims.about.head) as checkout:
            files = _Files(checkout)
            checks = [await _plan(files, bundle)]
            broken = await inspect_proofs(claims.proofs, files.read_or_none)
            checks.append(
                Check(
                    name="tests as proved",
                    ok=not broken,
                    seen=_listed([f"{name}: {why}" for name, why in broken.items()])
                    or f"{len(claims.proofs)} tests assert what they asserted when they were seen red",
                )
            )
            self.say("running the tests")
            results, ended = await self._run(checkout, profile, profile.test)
            report = TestReport(tree=claims.about.tree, results=results, exit_code=claims.report.exit_code)
            checks.append(_compared(claims.report.results, results, ended))
            table = trace(claims.spec, claims.proofs, report, tree=claims.about.tree, broken=broken)
            unproved = [row.requirement for row in table.rows if row.must and not row.proved]
            proved = sum(row.proved for row in table.rows)
            checks.append(
                Check(
                    name="requirements",
                    ok=table.holds,
                    seen=f"not proved: {', '.join(unproved)}" if unproved else f"{proved} of {len(table.rows)} proved",
                )
            )
            acceptance = {
                path: await checkout.read(path)
                for path in await checkout.list()
                if path.startswith(f"{profile.acceptance}/")
            }
        checks.append(await self._red(workspace, bundle, profile, acceptance))
        return checks

    async def _red(
        self, workspace: Workspace, bundle: Bundle, profile: Profile, acceptance: Mapping[str, bytes]
    ) -> Check:
        """Every proof was red once: see it fail again, on the commit on which it is said to have failed."""
        green: list[str] = []
        by_commit: dict[str, list[str]] = {}
        for proof in bundle.claims.proofs:
            by_commit.setdefault(proof.red_on, []).append(proof.source.id)
        known = {commit.sha for commit in await workspace.history()}
        for number, (commit, names) in enumerate(by_commit.items()):
            if commit not in known:
                green += [f"{name}: {commit[:12]} is not in the history" for name in names]
                continue
            self.say(f"seeing {len(names)} tests fail on {commit[:12]}")
            async with _checkout(workspace, f"red-{number}", commit) as checkout:
                await checkout.write(acceptance)
                results, _ = await self._run(checkout, profile, (*profile.test, *WHOLE[profile.dialect]))
            failed = {result.id for result in results if result.status is TestStatus.FAILED}
            green += [f"{name} does not fail on {commit[:12]}" for name in names if name not in failed]
        whole = f"{len(bundle.claims.proofs)} tests fail where the work is missing"
        return Check(name="red first", ok=not green, seen=_listed(green) or whole)

    async def _run(
        self, checkout: Checkout, profile: Profile, argv: Sequence[str]
    ) -> tuple[tuple[TestResult, ...], str]:
        """Results of a test run, and how it ended where that is wrong."""
        mounts = await self.environments.prepare(profile, checkout.path, self.say)
        await checkout.discard([profile.junit])
        command = Command(
            argv=tuple(argv),
            workspace=checkout.path,
            mounts=mounts,
            path=("/env/bin",) if mounts else (),
            timeout_s=self.timeout_s,
        )
        ran = await self.sandbox.run(command)
        try:
            report = await checkout.read(profile.junit)
        except NotFound:
            return (), f"no test ran: {ran.output.strip()[-300:]}"
        try:
            results = parse_junit(report, dialect=profile.dialect, tests=await test_sources(_Files(checkout), profile))
        except ValueError as error:
            return (), str(error)
        return results, f"stopped: {ran.limit}" if ran.limit else ""


class _Files:
    """The files of a checkout, as what reads a task's files knows them."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    async def files(self) -> list[str]:
        return await self._checkout.list()

    async def read(self, path: str) -> bytes:
        return await self._checkout.read(path)

    async def read_or_none(self, path: str) -> bytes | None:
        try:
            return await self.read(path)
        except NotFound:
            return None


@asynccontextmanager
async def _checkout(workspace: Workspace, name: str, commit: str) -> AsyncGenerator[Checkout]:
    checkout = await workspace.checkout(name, base=commit)
    try:
        yield checkout
    finally:
        await checkout.close()


async def _history(workspace: Workspace, bundle: Bundle) -> Check:
    about = bundle.claims.about
    head = await workspace.head()
    if head is None or head != about.head or await workspace.tree(head) != about.tree:
        return Check(name="history", ok=False, seen="it does not end with the commit that is said to be proved")
    if bundle.claims.report.tree != about.tree:
        return Check(name="history", ok=False, seen="the recorded run is of other files")
    return Check(name="history", ok=True, seen=f"{len(await workspace.history())} commits, to {head[:12]}")


async def _plan(files: _Files, bundle: Bundle) -> Check:
    content = await files.read_or_none(SPEC_FILE)
    try:
        same = content is not None and load_spec(content) == bundle.claims.spec
    except ValueError:
        same = False
    count = len(bundle.claims.spec.requirements)
    return Check(
        name="plan", ok=same, seen=f"{count} requirements" if same else f"{SPEC_FILE} is not the plan of the bundle"
    )


def _compared(recorded: Sequence[TestResult], now: Sequence[TestResult], ended: str) -> Check:
    """Whether every recorded test ended the same, and no other failed."""
    before = {result.id: result.status for result in recorded}
    after = {result.id: result.status for result in now}
    differing = [
        f"{name}: {status.value}, now {after[name].value if name in after else 'not run'}"
        for name, status in before.items()
        if after.get(name) is not status
    ]
    differing += [
        f"{name}: failed, and is not in the record"
        for name, status in after.items()
        if name not in before and status is TestStatus.FAILED
    ]
    passed = TestReport(tree="", results=tuple(now)).count(TestStatus.PASSED)
    return Check(
        name="tests", ok=not differing and not ended, seen=ended or _listed(differing) or f"{passed} pass, as recorded"
    )


def _listed(entries: Sequence[str]) -> str:
    """The first of what is wrong; "" for nothing."""
    more = f" and {len(entries) - NAMED} more" if len(entries) > NAMED else ""
    return "; ".join(entries[:NAMED]) + more
