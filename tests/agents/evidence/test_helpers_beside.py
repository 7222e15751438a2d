"""Helpers and fixtures in other files of the acceptance folder: what they assert counts to the tests that use them."""

import textwrap

import pytest

from smaker.agents.evidence import compare_proofs, files_beside, read_tests
from smaker.core.models import TestSource as Source

FOLDER = "tests/acceptance/"
STRONG = "def check(value, wanted):\n    assert value == wanted\n"
USES = "from helpers import check\n\ndef test_it():\n    check(f(), 404)\n"
CLAIM = "check(f(), 404): assert value == wanted"


def python(test: str, path: str = "test_it.py", **beside: str) -> Source:
    texts = {f"{FOLDER}{name.replace('__', '/')}.py": textwrap.dedent(text) for name, text in beside.items()}
    (found,) = read_tests("pytest", FOLDER + path, textwrap.dedent(test), texts)
    return found


def node(test: str, **beside: str) -> Source:
    texts = {
        f"{FOLDER}{name}.mjs": 'import assert from "node:assert/strict";\n' + text for name, text in beside.items()
    }
    imports = 'import { test } from "node:test";\nimport assert from "node:assert/strict";\n'
    (found,) = read_tests("node", f"{FOLDER}it.test.mjs", imports + test, texts)
    return found


IMPORTED = {
    "by name": "from helpers import check\ndef test_it():\n    check(f(), 404)",
    "renamed": "from helpers import check as same\ndef test_it():\n    same(f(), 404)",
    "relative": "from .helpers import check\ndef test_it():\n    check(f(), 404)",
    "from the root": "from tests.acceptance.helpers import check\ndef test_it():\n    check(f(), 404)",
    "the module": "import helpers\ndef test_it():\n    helpers.check(f(), 404)",
    "the module renamed": "import helpers as h\ndef test_it():\n    h.check(f(), 404)",
    "the module in full": (
        "import tests.acceptance.helpers\ndef test_it():\n    tests.acceptance.helpers.check(f(), 404)"
    ),
    "the module from the package": "from . import helpers\ndef test_it():\n    helpers.check(f(), 404)",
    "the module from the root": "from tests.acceptance import helpers\ndef test_it():\n    helpers.check(f(), 404)",
    "all": "from helpers import *\ndef test_it():\n    check(f(), 404)",
    "in the test": "def test_it():\n    from helpers import check\n    check(f(), 404)",
    "handed on": "from helpers import check\ndef test_it():\n    retry(check, 3)",
    "handed on of a module": "import helpers\ndef test_it():\n    retry(helpers.check, 3)",
    "in a helper of the file": (
        "from helpers import check\ndef both(v):\n    check(v, 404)\ndef test_it():\n    both(f())"
    ),
    "in a method": (
        "from helpers import check\nclass TestA:\n    def own(self):\n        check(1, f())\n"
        "    def test_it(self):\n        self.own()"
    ),
    "from a fixture of conftest": "def test_it(checker):\n    checker(f(), 404)",
}
CONFTEST = "import pytest\nfrom helpers import check\n\n@pytest.fixture\ndef checker():\n    return check\n"


@pytest.mark.parametrize("source", IMPORTED.values(), ids=IMPORTED)
async def test_python_helpers_of_other_files_are_followed_and_their_loss_is_seen(source: str) -> None:
    test = python(source, helpers=STRONG, conftest=CONFTEST)
    assert len(test.assertions) == 1
    assert test.assertions[0].endswith(": assert value == wanted")
    for weaker in ("def check(value, wanted):\n    pass\n", "def check(value, wanted):\n    assert value\n", ""):
        now = python(source, helpers=weaker, conftest=CONFTEST)
        assert compare_proofs([test], [now])[test.id].startswith("assertion removed: ")

    there = {f"{FOLDER}helpers.py": STRONG.encode(), f"{FOLDER}conftest.py": CONFTEST.encode()}

    async def read(path: str) -> bytes | None:
        return there.get(path)

    wanted = await files_beside("pytest", f"{FOLDER}test_it.py", source, read)
    assert read_tests("pytest", f"{FOLDER}test_it.py", source, wanted) == [test], "found by its imports alone"


LOOSENED = {
    "dropped": "def check(value, wanted):\n    pass",
    "gone": "def other():\n    pass",
    "compared with itself": "def check(value, wanted):\n    assert wanted == wanted",
    "always true": "def check(value, wanted):\n    assert value == wanted or True",
    "weaker": "def check(value, wanted):\n    assert value",
    "conditional": "def check(value, wanted):\n    if value:\n        assert value == wanted",
    "switched off by a default": (
        "def check(value, wanted, strict=False):\n    if strict:\n        assert value == wanted"
    ),
    "another default": "def check(value, wanted=404):\n    assert value == wanted",
    "returned early": "def check(value, wanted):\n    return\n    assert value == wanted",
    "caught": (
        "def check(value, wanted):\n    try:\n        assert value == wanted\n    except AssertionError:\n        pass"
    ),
    "never run": "def check(value, wanted):\n    def inner():\n        assert value == wanted",
    "decorated": "@lenient\ndef check(value, wanted):\n    assert value == wanted",
    "bound anew": STRONG + "check = print",
    "deleted": STRONG + "del check",
    "no function": "check = print",
    "imported over it": STRONG + "from lenient import check",
    "from a file that is not there": "from .gone import check",
    "in a circle": "from .circle import check",
    "behind another of its name": STRONG + "def check(value, wanted):\n    return value == wanted",
}


@pytest.mark.parametrize("helpers", LOOSENED.values(), ids=LOOSENED)
def test_a_loosened_python_helper_of_another_file_weakens_the_test(helpers: str) -> None:
    before = python(USES, helpers=STRONG)
    assert before.assertions == (CLAIM,)
    after = python(USES, helpers=helpers, circle="from .helpers import check")
    assert compare_proofs([before], [after]) in (
        {before.id: f"assertion removed: {CLAIM}"},
        {before.id: "skipped"},
    )


def test_what_makes_no_difference_weakens_nothing() -> None:
    before = python(USES, helpers=STRONG)
    moved = (
        "import json\n\nLIMIT = 3\n\n\ndef check(value, wanted):\n    'Docs.'\n"
        "    assert (value == wanted), 'why'\n    assert value\n"
    )
    assert compare_proofs([before], [python(USES, helpers=moved)]) == {}
    handed = "from deep import check as real\ncheck = None\n"
    assert python(USES, helpers=handed, deep=STRONG).assertions == ()
    passed_on = python(USES, helpers="from deep import check\n", deep=STRONG)
    assert passed_on.assertions == (CLAIM,)


SHADOWED = {
    "by a parameter": "from helpers import check\ndef test_it(check):\n    check(f(), 404)",
    "by a case": (
        "import pytest\nfrom helpers import check\n@pytest.mark.parametrize('checker', [print])\n"
        "def test_it(checker):\n    checker(1, 2)"
    ),
    "by a name of the test": "from helpers import check\ndef test_it():\n    check = print\n    check(f(), 404)",
    "by a loop": "from helpers import check\ndef test_it():\n    for check in [print]:\n        check(f(), 404)",
    "by a function of the test": (
        "from helpers import check\ndef test_it():\n    def check(*a): pass\n    check(f(), 404)"
    ),
    "by a name of the file": "from helpers import check\ncheck = print\ndef test_it():\n    check(f(), 404)",
    "by a condition": (
        "if X:\n    from helpers import check\nelse:\n    def check(*a): pass\ndef test_it():\n    check(f(), 404)"
    ),
    "module bound anew": "import helpers\nhelpers = X\ndef test_it():\n    helpers.check(f(), 404)",
    "module as a parameter": "import helpers\ndef test_it(helpers):\n    helpers.check(f(), 404)",
    "outside the folder": "from tests.helpers import check\ndef test_it():\n    check(f(), 404)",
    "beside the software": "from shop.helpers import check\ndef test_it():\n    check(f(), 404)",
    "above the folder": "from ..helpers import check\ndef test_it():\n    check(f(), 404)",
    "only imported": "from helpers import check\ndef test_it():\n    f()",
    "only asked for": "def test_it(checker):\n    f()",
}


@pytest.mark.parametrize("source", SHADOWED.values(), ids=SHADOWED)
def test_what_is_not_the_helper_counts_for_nothing(source: str) -> None:
    assert python(source, helpers=STRONG, conftest=CONFTEST).assertions == ()


def test_a_name_that_promises_an_assertion_is_one_only_where_it_asserts() -> None:
    uses = "from helpers import assert_rejects\ndef test_it():\n    assert_rejects(f)\n"
    strong = python(uses, helpers="def assert_rejects(f):\n    assert f() == 'no'\n")
    assert strong.assertions == ("assert_rejects(f): assert f() == 'no'", "assert_rejects(f)")
    assert python(uses, helpers="def assert_rejects(f):\n    f()\n").assertions == ()
    assert python("from numpy.testing import assert_equal\ndef test_it():\n    assert_equal(f(), 1)\n").assertions == (
        "assert_equal(f(), 1)",
    ), "of a library"


FIXTURES = {
    "asserts after its yield": (
        "@pytest.fixture\ndef shop():\n    yield start()\n    assert stop() == 0",
        "def test_it(shop):\n    shop.buy()",
        "fixture shop: assert stop() == 0",
    ),
    "returns an inner function": (
        "@pytest.fixture\ndef same():\n    def inner(a, b):\n        assert a == b\n    return inner",
        "def test_it(same):\n    same(f(), 1)",
        "same(f(), 1): assert a == b",
    ),
    "yields an inner function": (
        "@pytest.fixture\ndef same():\n    def inner(a, b):\n        assert a == b\n    yield inner\n    stop()",
        "def test_it(same):\n    same(f(), 1)",
        "same(f(), 1): assert a == b",
    ),
    "has another name": (
        "@pytest.fixture(name='same')\ndef made():\n    def inner(a, b):\n        assert a == b\n    return inner",
        "def test_it(same):\n    same(f(), 1)",
        "same(f(), 1): assert a == b",
    ),
    "by way of another": (
        "@pytest.fixture\ndef up():\n    yield\n    assert stop() == 0\n@pytest.fixture\ndef shop(up):\n    return up",
        "def test_it(shop):\n    shop.buy()",
        "fixture shop: fixture up: assert stop() == 0",
    ),
    "its function calls another of its file": (
        "def close(a, b):\n    assert abs(a - b) < 1\n"
        "@pytest.fixture\ndef same():\n    def inner(a, b):\n        close(a, b)\n    return inner",
        "def test_it(same):\n    same(f(), 1)",
        "same(f(), 1): close(a, b): assert abs(a - b) < 1",
    ),
    "a context that asserts": (
        "@pytest.fixture\ndef refused():\n    return fails\n"
        "@contextmanager\ndef fails(code):\n    yield\n    assert last() == code",
        "def test_it(refused):\n    with refused(404):\n        f()",
        "refused(404): @contextmanager: assert last() == code",
    ),
}


@pytest.mark.parametrize(("conftest", "source", "claim"), FIXTURES.values(), ids=FIXTURES)
def test_fixtures_of_conftest_are_followed_and_gutting_them_is_seen(conftest: str, source: str, claim: str) -> None:
    head = "import pytest\n"
    before = python(source, conftest=head + conftest)
    assert before.assertions == (claim,)
    gutted = "\n".join(
        "pass".rjust(len(line) - len(line.lstrip()) + 4) if "assert" in line else line for line in conftest.split("\n")
    )
    assert compare_proofs([before], [python(source, conftest=head + gutted)]) == {
        before.id: f"assertion removed: {claim}"
    }
    assert compare_proofs([before], [python(source)]) == {before.id: f"assertion removed: {claim}"}
    overridden = head + source.replace("def test", "@pytest.fixture\ndef NAME():\n    return print\ndef test").replace(
        "NAME", source.partition("(")[2].partition(")")[0]
    )
    assert compare_proofs([before], [python(overridden, conftest=head + conftest)])
    beneath = python(source, "deep/test_it.py", conftest=head + conftest)
    assert beneath.assertions == (claim,), "conftest files of the folders above are read too"


def test_a_context_that_swallows_failures_takes_the_assertions_within_away() -> None:
    uses = "from helpers import quietly\ndef test_it():\n    with quietly():\n        assert f() == 1\n"
    honest = "@contextmanager\ndef quietly():\n    try:\n        yield\n    finally:\n        stop()\n"
    before = python(uses, helpers=honest)
    assert before.assertions == ("assert f() == 1",)
    caught = "@contextmanager\ndef quietly():\n    try:\n        yield\n    except Exception:\n        pass\n"
    suppressed = "@contextmanager\ndef quietly():\n    with suppress(AssertionError):\n        yield\n"
    for swallowing in (caught, suppressed):
        assert compare_proofs([before], [python(uses, helpers=swallowing)])


def test_a_helper_that_does_not_parse_is_named() -> None:
    with pytest.raises(ValueError, match=rf"^{FOLDER}helpers.py:1: "):
        python(USES, helpers="def check(:")
    with pytest.raises(ValueError, match=rf"^{FOLDER}support.mjs:2: invalid syntax"):
        node('import { check } from "./support.mjs";\ntest("it", () => { check(f()); });', support="const = ;")


JS = "export function check(value, wanted) { assert.equal(value, wanted); }"
JS_CLAIM = "assert.equal(value, wanted)"
JS_IMPORTED = {
    "by name": ('import { check } from "./support.mjs";', "check(f(), 404);", JS),
    "renamed": ('import { check as same } from "./support.mjs";', "same(f(), 404);", JS),
    "awaited": ('import { check } from "./support.mjs";', "await check(f(), 404);", JS),
    "the module": ('import * as s from "./support.mjs";', "s.check(f(), 404);", JS),
    "handed on": ('import { check } from "./support.mjs";', "retry(check);", JS),
    "handed on of a module": ('import * as s from "./support.mjs";', "retry(s.check);", JS),
    "default": ('import check from "./support.mjs";', "check(f(), 404);", JS.replace("export", "export default")),
    "default, without a name": (
        'import check from "./support.mjs";',
        "check(f(), 404);",
        "export default (value, wanted) => assert.equal(value, wanted);",
    ),
    "default, by name": (
        'import check from "./support.mjs";',
        "check(f(), 404);",
        JS.removeprefix("export ") + "\nexport default check;",
    ),
    "default, an object": (
        'import s from "./support.mjs";',
        "s.check(f(), 404);",
        JS.removeprefix("export ") + "\nexport default { check };",
    ),
    "a constant": (
        'import { check } from "./support.mjs";',
        "check(f(), 404);",
        "export const check = (value, wanted) => { assert.equal(value, wanted); };",
    ),
    "exported below": (
        'import { same } from "./support.mjs";',
        "same(f(), 404);",
        JS.removeprefix("export ") + "\nexport { check as same };",
    ),
    "re-exported": ('import { same } from "./again.mjs";', "same(f(), 404);", JS),
    "re-exported with all": ('import { check } from "./all.mjs";', "check(f(), 404);", JS),
    "imported and exported": ('import { check } from "./through.mjs";', "check(f(), 404);", JS),
    "in a helper of the file": (
        'import { check } from "./support.mjs";\nconst both = (v) => { check(v, 404); };',
        "both(f());",
        JS,
    ),
}
AGAIN = {
    "again": 'export { check as same } from "./support.mjs";',
    "all": 'export * from "./support.mjs";',
    "through": 'import { check } from "./support.mjs";\nexport { check };',
}


@pytest.mark.parametrize(("imports", "body", "support"), JS_IMPORTED.values(), ids=JS_IMPORTED)
async def test_node_helpers_of_other_files_are_followed_and_their_loss_is_seen(
    imports: str, body: str, support: str
) -> None:
    source = f'{imports}\ntest("it", async () => {{ {body} }});'
    test = node(source, support=support, **AGAIN)
    assert len(test.assertions) == 1
    assert test.assertions[0].endswith(f": {JS_CLAIM}")
    for weaker in (support.replace(JS_CLAIM, "value"), support.replace(JS_CLAIM, "assert.ok(value)"), ""):
        assert compare_proofs([test], [node(source, support=weaker, **AGAIN)])[test.id].startswith(
            "assertion removed: "
        )

    there = {f"{FOLDER}{name}.mjs": text.encode() for name, text in {"support": support, **AGAIN}.items()}

    async def read(path: str) -> bytes | None:
        return there.get(path)

    assert set(await files_beside("node", f"{FOLDER}it.test.mjs", source, read)) >= {f"{FOLDER}support.mjs"}


JS_LOOSENED = {
    "dropped": "export function check(value, wanted) {}",
    "gone": "export function other() {}",
    "not exported": JS.removeprefix("export "),
    "compared with itself": JS.replace("(value, wanted);", "(wanted, wanted);"),
    "conditional": "export function check(value, wanted) { if (value) assert.equal(value, wanted); }",
    "switched off by a default": (
        "export function check(value, wanted, on = false) { on && assert.equal(value, wanted); }"
    ),
    "another default": "export function check(value, wanted = 1) { assert.equal(value, wanted); }",
    "returned early": "export function check(value, wanted) { return; assert.equal(value, wanted); }",
    "caught": "export function check(value, wanted) { try { assert.equal(value, wanted); } catch {} }",
    "assigned anew": JS + "\ncheck = () => {};",
    "no function": "export const check = console.log;",
    "from a file that is not there": 'export { check } from "./gone.mjs";',
    "in a circle": 'export { check } from "./circle.mjs";',
    "from outside the folder": 'export { check } from "../../src/check.mjs";',
}


@pytest.mark.parametrize("support", JS_LOOSENED.values(), ids=JS_LOOSENED)
def test_a_loosened_node_helper_of_another_file_weakens_the_test(support: str) -> None:
    source = 'import { check } from "./support.mjs";\ntest("it", () => { check(f(), 404); });'
    before = node(source, support=JS)
    after = node(source, support=support, circle='export { check } from "./support.mjs";')
    assert before.assertions == (f"check(f(), 404): {JS_CLAIM}",)
    assert compare_proofs([before], [after]) in (
        {before.id: f"assertion removed: {before.assertions[0]}"},
        {before.id: "skipped"},
    )


JS_SHADOWED = {
    "by a constant": ('import { check } from "./support.mjs";', "const check = console.log; check(f(), 404);"),
    "by a function": ('import { check } from "./support.mjs";', "function check() {} check(f(), 404);"),
    "by a parameter": ('import { check } from "./support.mjs";', "const g = (check) => { check(1, 2); }; g(f);"),
    "only imported": ('import { check } from "./support.mjs";', "f();"),
    "outside the folder": ('import { check } from "../support.mjs";', "check(f(), 404);"),
    "not exported": ('import * as s from "./support.mjs";', "s.expectOther(f(), 404);"),
    "by its promise alone": ('import { expectNothing } from "./support.mjs";', "expectNothing(f());"),
}


@pytest.mark.parametrize(("imports", "body"), JS_SHADOWED.values(), ids=JS_SHADOWED)
def test_what_is_not_the_node_helper_counts_for_nothing(imports: str, body: str) -> None:
    source = f'{imports}\ntest("it", () => {{ {body} }});'
    assert node(source, support=f"{JS}\nexport function expectNothing(v) {{ return v; }}").assertions == ()
