"""The static-site profile: its page is built for specs of several shapes, tested by Node and broken on purpose."""

import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest

from smaker.core.spec import Module, Operation, OperationKind, ProductKind, Requirement, Spec
from smaker.profiles import Catalog

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed"),
]

EVERY_TOPIC = (
    "hero", "features", "services", "steps", "pricing", "testimonials", "gallery", "about", "team", "faq", "cta",
    "newsletter", "contact", "footer",
)  # fmt: skip


def site(name="Landing page", topics=("hero", "pricing", "contact"), toggle=True, forms=("contact",), **more) -> Spec:
    wanted = [("section", topic) for topic in topics]
    wanted += [("toggle", "pricing")] if toggle else []
    wanted += [("form", topic) for topic in forms]
    requirements = tuple(
        Requirement(
            id=f"R{number}",
            text=f"{kind} {topic}",
            operation=Operation(kind=OperationKind(kind), topic=topic, by="billing" if kind == "toggle" else None),
        )
        for number, (kind, topic) in enumerate(wanted, 1)
    )
    values = {
        "name": name,
        "slug": "landing-page",
        "summary": "A landing page with a pricing table that switches monthly and yearly, and a contact form",
        "kind": ProductKind.SITE,
        "profile": "static-site",
        "topics": topics,
        "requirements": requirements,
        "modules": (Module(name="site", title="The page", requirements=tuple(item.id for item in requirements)),),
    }
    return Spec.model_validate(values | more)


def test_page_is_red_on_the_skeleton_and_green_when_built(workbench):
    spec = site()
    bench = workbench(spec)
    sources = {source.id: source for source in bench.accept()}
    assert {name for source in sources.values() for name in source.requirements} == {
        item.id for item in spec.requirements
    }
    assert all(source.assertions and not source.skipped for source in sources.values())
    assert bench.lint() == ""

    before = bench.test()
    assert {name: before[name] for name in sources} == dict.fromkeys(sources, "failed")
    own = {status for name, status in before.items() if name not in sources}
    assert own == {"passed"}

    bench.implement()
    after = bench.test()
    assert after.keys() >= sources.keys()
    assert set(after.values()) == {"passed"}
    assert bench.lint() == ""


def test_every_section_and_form_with_a_name_that_is_hard_to_write(workbench):
    spec = site(
        name='Fish & "Chips" <b>`${x}`</b>',
        topics=EVERY_TOPIC,
        forms=("contact", "newsletter"),
        summary='A page for a fish shop, with <everything> & "more" for $5',
    )
    bench = workbench(spec)
    bench.implement()
    sources = bench.accept()
    assert {name for source in sources for name in source.requirements} == {item.id for item in spec.requirements}
    results = bench.test()
    assert {name: status for name, status in results.items() if status != "passed"} == {}
    assert bench.lint() == ""
    page = (bench.folder / "index.html").read_text()
    assert "<b>`" not in page
    assert "Everything about a fish shop on one page" in page
    assert 'data-currency="USD"' in page


def test_small_site_has_nothing_it_does_not_use(workbench):
    bench = workbench(site(topics=("about", "gallery"), toggle=False, forms=()))
    bench.implement()
    bench.accept()
    assert bench.lint() == ""
    assert not (bench.folder / "src").exists()
    assert not list(bench.folder.glob("tests/acceptance/pricing*"))
    styles = (bench.folder / "styles.css").read_text()
    assert ".plan" not in styles
    assert ".field" not in styles
    classes = set(re.findall(r"\.([a-z][\w-]+)(?=[\s,.:{\[>])", re.sub(r"\{[^}]*\}", "{}", styles)))
    used = set(" ".join(re.findall(r'class="([^"]+)"', (bench.folder / "index.html").read_text())).split())
    assert classes <= used


def test_a_section_no_blueprint_knows_stays_unproved(workbench):
    bench = workbench(site(topics=("hero", "blog"), toggle=False, forms=()))
    bench.implement()
    bench.accept()
    results = bench.test()
    failed = [name for name, status in results.items() if status == "failed"]
    assert len(failed) == 1
    assert "::R2: the blog section" in failed[0]


DEFECTS = [
    ("src/pricing.js", "monthly * 12 - yearly", "monthly * 10 - yearly", "pricing"),
    ("src/pricing.js", 'String(period === "yearly")', '"true"', "pricing"),
    ("src/pricing.js", "status.textContent =", "toggle.dataset.said =", "pricing"),
    ("src/forms.js", "event.preventDefault();", "", "forms"),
    ("src/forms.js", 'if (form.elements.namedItem(TRAP).value !== "") return;', "", "forms"),
    ("src/forms.js", "if (!response.ok)", "if (false)", "forms"),
    ("src/mail.js", "encodeURIComponent(", "String(", "forms"),
    ("index.html", 'role="switch"', 'role="button"', "pricing"),
    ("index.html", 'id="contact-email-error"', 'id="elsewhere"', "forms"),
    ("index.html", '<a href="#pricing">', '<a href="#contact">', "sections"),
]


def test_acceptance_tests_find_planted_defects(workbench):
    bench = workbench(site())
    bench.implement()
    bench.accept()
    survived = []
    for path, sound, broken, suite in DEFECTS:
        file = bench.folder / path
        original = file.read_text()
        assert sound in original, f"{path} has no {sound}"
        file.write_text(original.replace(sound, broken))
        if bench.run(["node", f"tests/acceptance/{suite}.test.js"]).returncode == 0:
            survived.append((path, broken))
        file.write_text(original)
    assert survived == []


def test_lint_finds_what_is_wrong_with_the_files(workbench):
    bench = workbench(site())
    bench.implement()
    page = bench.folder / "index.html"
    page.write_text(page.read_text().replace("</main>", '<img src="none.png"><a href="#nowhere"></a></div></main>'))
    (bench.folder / "src" / "broken.js").write_text("const a = ;\n")
    styles = bench.folder / "styles.css"
    styles.write_text(styles.read_text() + "p {\tcolor: var(--unknown); \n")
    report = bench.lint()
    for expected in (
        "an image without alt text", "none.png does not exist", "link #nowhere", "<a> has no name",
        "</div> does not close", "src/broken.js:1: SyntaxError", "--unknown is used and never defined",
        "a tab", "white space at the end", "closing braces",
    ):  # fmt: skip
        assert expected in report


def test_start_command_serves_the_page(workbench):
    bench = workbench(site())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    profile = bench.loaded.profile
    argv = [part.replace("{port}", str(port)) for part in profile.start]
    with subprocess.Popen(argv, cwd=bench.folder, stdout=subprocess.DEVNULL) as server:
        try:
            assert "Landing page" in _fetch(f"http://127.0.0.1:{port}{profile.health}", server)
        finally:
            server.terminate()
        assert server.wait(timeout=5) == 0


def _fetch(url: str, server: "subprocess.Popen[bytes]") -> str:
    for _ in range(100):
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.read().decode()
        except OSError:
            time.sleep(0.05)
    pytest.fail("the server did not answer")


def test_rendering_is_deterministic_and_leaves_no_placeholder():
    loaded = Catalog().load("static-site")
    spec = site(topics=EVERY_TOPIC, forms=("contact", "newsletter"))
    for part in ("template", "blueprint/project", "acceptance/project"):
        files = loaded.render(part, spec)
        assert files == loaded.render(part, spec)
        for path, content in files.items():
            text = content.decode()
            assert not re.search(r"\b(TODO|FIXME|XXX)\b|lorem ipsum", text, re.IGNORECASE), path
            assert "\n\n\n" not in text, path
            assert text.endswith("\n"), path


def test_the_label_of_a_focused_field_stays_below_the_sticky_header():
    files = Catalog().load("static-site").render("blueprint/project", site())
    rule = re.search(
        r"\.field input,\n\.field textarea \{[^}]*\bscroll-margin-top: ([\d.]+)rem", files["styles.css"].decode()
    )
    assert rule is not None
    assert float(rule[1]) >= 2.5, "a label and the gap below it are 2.2 rem"
