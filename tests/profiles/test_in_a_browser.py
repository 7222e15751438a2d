"""What profiles build, tried as visitors would: the plan's paths can be taken, and the explorer finds nothing wrong."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.agents.offline.reader.writing.scenarios import plan_scenarios
from smaker.agents.web.launching import PLAY_S
from smaker.agents.web.paths import faults_of
from smaker.agents.web.planned import planned_paths
from smaker.browser.boxed import BoxedBrowser
from smaker.core.ports import Command
from smaker.core.ports.browser import BrowserJob, BrowserLimits
from smaker.core.spec import Operation, OperationKind, ProductKind, Requirement, Spec
from smaker.sandbox.process import ProcessSandbox

pytestmark = [pytest.mark.sandbox, pytest.mark.browser, pytest.mark.timeout(300)]

SECTIONS = (
    "hero", "features", "services", "steps", "pricing", "testimonials", "gallery", "about", "team", "faq", "cta",
    "newsletter", "contact", "footer",
)  # fmt: skip


def site() -> Spec:
    """A page with every section, a switch and both forms."""
    wanted = [Operation(kind=OperationKind.SECTION, topic=topic) for topic in SECTIONS]
    wanted.append(Operation(kind=OperationKind.TOGGLE, topic="pricing", by="billing"))
    wanted += [Operation(kind=OperationKind.FORM, topic=topic) for topic in ("contact", "newsletter")]
    return Spec(
        name="Landing page",
        slug="landing-page",
        summary="A landing page for a coffee club.",
        kind=ProductKind.SITE,
        profile="static-site",
        topics=SECTIONS,
        gui=True,
        requirements=tuple(
            Requirement(id=f"R{number}", text=str(one.topic), operation=one) for number, one in enumerate(wanted, 1)
        ),
    )


@pytest.fixture
def spec_of(plan: Callable[[str], Any], make_spec: Callable[..., Spec]) -> Callable[[str], Spec]:
    """A function that makes the spec of a site, or of a plan's name as a web app, with its scenarios."""

    def make(name: str) -> Spec:
        if name == "site":
            spec = site()
        else:
            content = plan(name)
            users = any(entity.owned for entity in content["entities"])
            spec = make_spec(name, "web-app", ProductKind.WEB, users=users, **content)
        return spec.model_copy(update={"scenarios": plan_scenarios(spec)})

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", ["site", "guestbook", "expenses"])
async def test_every_path_can_be_taken_and_nothing_is_found_wrong(
    name: str, spec_of: Callable[[str], Spec], workbench: Callable[[Spec], Any], tmp_path: Path
) -> None:
    spec = spec_of(name)
    bench = workbench(spec)
    bench.implement()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = ProcessSandbox()
    where = os.environ["PATH"] if bench.environment is None else f"{bench.environment / 'bin'}:{os.environ['PATH']}"
    argv = ("/usr/bin/env", f"PATH={where}", *(part.format(port=port) for part in bench.loaded.profile.start))
    app = await box.start(Command(argv=argv, workspace=bench.folder, profile="web", port=port))
    try:
        await app.wait_for_port(timeout_s=30)
        browser = BoxedBrowser(box)
        paths = planned_paths(bench.loaded, spec)
        assert [path.name for path in paths] == [scenario.name for scenario in spec.scenarios]
        for number, path in enumerate(paths):
            assert path.requirements
            assert faults_of(path.actions) == ""
            job = BrowserJob(
                kind="play", port=port, actions=path.actions, limits=BrowserLimits(seconds=PLAY_S), seed=path.name
            )
            folder = tmp_path / f"path-{number}"
            folder.mkdir()
            seen = await browser.run(job, folder)
            failed = [f"{path.name}: {step.action}: {step.seen}" for step in seen.steps if not step.ok]
            assert (failed, seen.ended) == ([], "done")
            assert len(seen.files) == len(seen.steps)
        folder = tmp_path / "look"
        folder.mkdir()
        looked = await browser.run(BrowserJob(kind="explore", port=port), folder)
        assert [one.finding.message for one in looked.discoveries] == []
    finally:
        await app.stop()
