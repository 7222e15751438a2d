import pytest

from smaker.agents.evidence import compare_proofs, is_test_file, read_tests
from smaker.agents.evidence.node_source import read_node
from smaker.core.models import TestSource as Source

PATH = "tests/acceptance/pricing.test.js"
IMPORTS = 'import { describe, it, test } from "node:test";\nimport assert from "node:assert/strict";\n'


def read(source: str, imports: str = IMPORTS) -> dict[str, Source]:
    return {test.id.removeprefix(f"{PATH}::"): test for test in read_node(PATH, imports + source)}


def only(body: str, before: str = "") -> Source:
    return read(f'{before}\ntest("it", (t) => {{ {body} }});')["it"]


def test_reads_tests_suites_and_subtests_by_their_names():
    tests = read(
        """
        test("R3: switches to yearly", () => { assert.equal(a(), 1); });
        describe("prices", () => {
          it('R1, R4: has "two"', async () => { assert.ok(await a()); });
          describe("R5: inner", () => { it("deep", () => { assert(a()); }); });
        });
        test("R6: parent", async (t) => {
          assert.ok(a());
          await t.test("child", () => { assert.ok(b()); });
        });
        test(function named() { assert.ok(a()); });
        export const x = 1;
        if (false) test("dead", () => { assert.ok(a()); });
        """
    )
    assert {name: (test.requirements, test.assertions) for name, test in tests.items()} == {
        "R3: switches to yearly": (("R3",), ("assert.equal(a(), 1)",)),
        'prices > R1, R4: has "two"': (("R1", "R4"), ("assert.ok(await a())",)),
        "prices > R5: inner > deep": (("R5",), ("assert(a())",)),
        "R6: parent": (("R6",), ("assert.ok(a())", "child: assert.ok(b())")),
        "R6: parent > child": (("R6",), ("assert.ok(b())",)),
        "<anonymous>": ((), ("assert.ok(a())",)),
    }


def test_names_with_parts_that_are_computed_and_cases_of_loops():
    tests = read(
        """
        const CASES = [["a", 1], ["b", 2]];
        for (const [name, value] of CASES) test(`R2: takes ${name}`, () => { assert.equal(f(name), value); });
        [1, 2].forEach((n) => { it("n" + n, () => assert.ok(f(n))); });
        for (const x of list()) test("from a call", () => { assert.ok(f(x)); });
        """
    )
    assert tests["R2: takes ${name}"].assertions == (
        "assert.equal(f(name), value)",
        'case ["a", 1]',
        'case ["b", 2]',
    )
    assert tests["n${n}"].assertions == ("assert.ok(f(n))", "case 1", "case 2")
    assert tests["from a call"].assertions == ("for list(): assert.ok(f(x))",)


def test_other_names_for_the_runner_and_the_assertions():
    tests = read(
        """
        spec("a", () => { same(f(), 1); claim.ok(f()); });
        nodetest.it("b", (c) => { c.assert.equal(f(), 1); expect(f()).toBe(1); });
        """,
        imports=(
            'import { test as spec } from "node:test";\nimport { strict as claim, equal as same } from "node:assert";\n'
            'const nodetest = require("node:test");\n'
        ),
    )
    assert tests["a"].assertions == ("same(f(), 1)", "claim.ok(f())")
    assert tests["b"].assertions == ("c.assert.equal(f(), 1)", "expect(f()).toBe(1)")


def test_layout_comments_quotes_and_messages_do_not_matter():
    before = only("assert.equal(f('a'), 1, 'why'); assert.ok(g(), `because`);")
    after = only('assert.equal(\n  f("a"), // first\n  1,\n);\nassert.ok( g() )')
    assert before.assertions == after.assertions == ('assert.equal(f("a"), 1)', "assert.ok(g())")


@pytest.mark.parametrize(
    "claim",
    ["assert(true)", "assert.ok(1)", 'assert.ok("text")', "assert.ok(x || true)", "assert.equal(1, 1)",
     "assert.deepEqual(x, x)", "assert.ok(x === x)", "assert.ok([])", "assert.ok(!false)",
     "assert.throws(() => { throw new Error() })", "assert.doesNotThrow(() => {})"],
)  # fmt: skip
def test_assertion_that_cannot_fail_is_none(claim: str):
    assert only(f"{claim};").assertions == ()


SKIPS = {
    "skip": 'test.skip("it", () => { assert.ok(x); });',
    "todo": 'test.todo("it", () => { assert.ok(x); });',
    "option": 'test("it", { skip: true }, () => { assert.ok(x); });',
    "option with a reason": 'test("it", { todo: "later" }, () => { assert.ok(x); });',
    "suite": 'describe.skip("s", () => { it("it", () => { assert.ok(x); }); });',
    "call": 'test("it", (t) => { t.skip("no"); assert.ok(x); });',
    "call in a condition": 'test("it", (t) => { if (x) t.skip(); assert.ok(x); });',
    "return": 'test("it", () => { return; assert.ok(x); });',
    "dead branch": 'test("it", () => { if (false) { assert.ok(x); } });',
    "dead else": 'test("it", () => { if (true) {} else assert.ok(x); });',
    "dead loop": 'test("it", () => { for (const i of []) { assert.ok(x); } });',
    "dead while": 'test("it", () => { while (0) { assert.ok(x); } });',
    "after throw": 'test("it", () => { assert.ok(y); throw x; assert.ok(x); });',
    "subtest": 'test("it", async (t) => { await t.test("a", { skip: true }, () => { assert.ok(x); }); });',
}


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS)
def test_every_way_to_skip_is_seen(source: str):
    assert all(test.skipped for test in read(source).values())


def test_skip_that_is_off_is_no_skip():
    assert not read('test("it", { skip: false }, () => { assert.ok(x); });')["it"].skipped


WEAKENED = {
    "deleted": "assert.ok(b());",
    "in a condition": "if (x) { assert.ok(a()); } assert.ok(b());",
    "after a conditional return": "if (x) return; assert.ok(a()); assert.ok(b());",
    "behind and": "x && assert.ok(a()); assert.ok(b());",
    "swallowed": "try { assert.ok(a()); } catch {} assert.ok(b());",
    "swallowed promise": "p.then(() => assert.ok(a())).catch(() => {}); assert.ok(b());",
    "in a loop": "for (const i of x) assert.ok(a()); assert.ok(b());",
    "never called": "function f() { assert.ok(a()); } assert.ok(b());",
    "vacuous": "assert.ok(a() || true); assert.ok(b());",
    "commented out": "/* assert.ok(a()); */ assert.ok(b());",
}


@pytest.mark.parametrize("body", WEAKENED.values(), ids=WEAKENED)
def test_weakening_is_named(body: str):
    before = only("assert.ok(a()); assert.ok(b());")
    reason = compare_proofs([before], [only(body)])[before.id]
    assert reason.startswith("assertion removed: assert.ok(a())")


def test_helpers_of_the_file_are_followed():
    strong = "const check = (v) => { assert.equal(v, 1); };"
    before = only("check(f());", strong)
    assert before.assertions == ("check(f()): assert.equal(v, 1)",)
    assert compare_proofs([before], [only("check(f());", "const check = (v) => {};")])
    assert compare_proofs([before], [only("check(1);", strong)])
    assert read(f'{strong}\nconst body = () => {{ check(2); }};\ntest("named", body);')["named"].assertions == (
        "check(2): assert.equal(v, 1)",
    )


GUARDED = {
    "switch (x) { case 1: assert.ok(a()); }": "switch (x) case 1: assert.ok(a())",
    "x ? assert.ok(a()) : assert.ok(b());": "if x: assert.ok(a())",
    "x || assert.ok(a());": "unless x: assert.ok(a())",
    "if (x) y(); else assert.ok(a());": "unless (x): assert.ok(a())",
    "if (x) { y(); } else { return; } assert.ok(a());": "if (x): assert.ok(a())",
    "while (x()) { assert.ok(a()); }": "while (x()): assert.ok(a())",
    "list.forEach((i) => { assert.ok(i); });": "list.forEach: assert.ok(i)",
    "{ assert.ok(a()); }": "assert.ok(a())",
    "if (true) { assert.ok(a()); }": "assert.ok(a())",
    "try { f(); } catch (e) { assert.match(e.message, /no/); }": "catch: assert.match(e.message, /no/)",
    "try { f(); } finally { assert.ok(a()); }": "assert.ok(a())",
}


@pytest.mark.parametrize(("body", "first"), GUARDED.items())
def test_assertions_carry_what_guards_them(body: str, first: str):
    test = only(body)
    assert test.assertions[0] == first
    assert not test.skipped


def test_a_way_out_on_every_branch_leaves_the_rest_unreached():
    assert only("assert.ok(a()); if (x) { return; } else { throw y; } assert.ok(b());").skipped
    assert only("try { throw x; } finally { y(); } assert.ok(b());").skipped


def test_failing_in_catch_keeps_the_claims_of_try():
    assert only("try { assert.ok(a()); } catch (e) { throw e; }").assertions == ("assert.ok(a())",)


def test_source_that_does_not_parse_is_an_error_with_path_and_line():
    with pytest.raises(ValueError, match=rf"^{PATH}:\d+: invalid syntax"):
        read_node(PATH, 'test("a", () => {\n  const b = ;\n')


def test_source_nested_too_deeply_is_an_error():
    with pytest.raises(ValueError, match="nested too deeply"):
        read_node(PATH, 'test("a", () => { assert.ok(' + "!" * 20_000 + "x); });")


def test_helpers_that_call_each_other_without_measure_are_an_error():
    helpers = "".join(f"function h{n}() {{ h{n + 1}(); h{n + 1}(); }}\n" for n in range(30))
    with pytest.raises(ValueError, match=rf"^{PATH}:1: the helpers of one test call each other"):
        read(helpers + 'function h30() {}\ntest("a", () => { h0(); });')


@pytest.mark.parametrize(
    ("dialect", "path", "expected"),
    [
        ("pytest", "tests/test_a.py", True),
        ("pytest", "tests/a_test.py", True),
        ("pytest", "tests/conftest.py", False),
        ("node", "tests/acceptance/a.test.js", True),
        ("node", "test/support.mjs", True),
        ("node", "tests/support/dom.js", False),
        ("node", "a-test.cjs", True),
    ],
)
def test_only_files_the_runner_collects_have_tests(dialect, path, expected):
    source = "def test_a(): assert f()" if dialect == "pytest" else IMPORTS + 'test("a", () => { assert.ok(f()); });'
    assert is_test_file(dialect, path) is expected
    assert bool(read_tests(dialect, path, source)) is expected
