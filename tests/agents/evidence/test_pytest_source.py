import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smaker.agents.evidence import compare_proofs
from smaker.agents.evidence.pytest_source import read_pytest
from smaker.core.models import TestSource as Source

PATH = "tests/acceptance/test_books.py"


def read(source: str) -> dict[str, Source]:
    return {test.id.removeprefix(f"{PATH}::"): test for test in read_pytest(PATH, textwrap.dedent(source))}


def only(body: str, before: str = "") -> Source:
    indented = textwrap.indent(textwrap.dedent(body), "    ")
    return read(f"import pytest\n{textwrap.dedent(before)}\ndef test_it(x, y):\n{indented}\n")["test_it"]


def test_reads_functions_methods_and_inherited_methods_as_pytest_collects_them():
    tests = read(
        """
        import pytest, unittest
        def test_plain(): assert f()
        async def test_async(): assert await f()
        def helper(): assert True
        @pytest.fixture
        def test_client(): return 1
        class TestBooks:
            def test_one(self): assert f()
            class TestInner:
                def test_two(self): assert f()
        class Base:
            def test_shared(self): assert f()
        class TestDerived(Base):
            def test_own(self): assert f()
        class TestWithInit:
            def __init__(self): ...
            def test_no(self): assert f()
        class Case(unittest.TestCase):
            def test_case(self): self.assertEqual(f(), 2)
        class Helper:
            def test_not_collected(self): assert f()
        if False:
            def test_dead(): assert f()
        def test_replaced(): assert f()
        test_replaced = None
        """
    )
    assert list(tests) == [
        "test_plain",
        "test_async",
        "TestBooks::test_one",
        "TestBooks::TestInner::test_two",
        "TestDerived::test_shared",
        "TestDerived::test_own",
        "Case::test_case",
    ]
    assert tests["test_async"].assertions == ("assert await f()",)
    assert tests["Case::test_case"].assertions == ("self.assertEqual(f(), 2)",)


def test_requirements_come_from_function_class_and_module():
    tests = read(
        """
        import pytest
        pytestmark = [pytest.mark.requirement("R1"), pytest.mark.slow]
        MARK = pytest.mark.requirement("R9")
        @pytest.mark.requirement("R2", "R3")
        def test_a(): assert f()
        @pytest.mark.requirement("R4")
        class TestB:
            pytestmark = pytest.mark.requirement("R5")
            @MARK
            def test_b(self): assert f()
        @pytest.mark.requirement("nonsense", 3)
        def test_c(): assert f()
        """
    )
    assert tests["test_a"].requirements == ("R1", "R2", "R3")
    assert tests["TestB::test_b"].requirements == ("R1", "R4", "R5", "R9")
    assert tests["test_c"].requirements == ("R1",)


def test_parametrised_test_is_one_entry_whose_cases_are_part_of_what_it_claims():
    source = '@pytest.mark.parametrize("x, y", [(1, 2), pytest.param(3, 4, id="b")])'
    assert only("assert x < y", source).assertions == ("assert x < y", "case x, y = (1, 2)", "case x, y = 3, 4")
    assert only("assert x < y", '@pytest.mark.parametrize("x", [])').skipped
    assert only("assert x < y", 'CASES = [1]\n@pytest.mark.parametrize("x", CASES)').assertions[1:] == ("case x = 1",)


@pytest.mark.parametrize(
    "condition",
    ["True", "1", "'text'", "x or True", "not False", "x == x", "x.y is x.y", "(x, 'message')", "[x]", "len(x) >= 0",
     "1 < 2", "lambda: x", "x or not x", "f'a{x}'", "x in [x]", "True or x", "1 == 1", "(z := True)"],
)  # fmt: skip
def test_assertion_that_cannot_fail_is_none(condition: str):
    assert only(f"assert {condition}").assertions == ()


@pytest.mark.parametrize(
    "condition",
    ["x", "x == 1", "x or y", "f(x) == f(x)", "len(x) >= 1", "x and True", "not x", "x != y", "False", "x in [1]"],
)
def test_assertion_that_can_fail_is_kept_without_its_message(condition: str):
    assert only(f"assert {condition}, 'message'").assertions == (f"assert {condition}",)


def test_expected_errors_and_helpers_are_claims():
    test = only(
        """
        with pytest.raises(ValueError, match="no"):
            f()
        support.assert_created(x, 201)
        expect(x).to_have_text("a")
        check(y)
        """,
        """
        def check(value):
            if value:
                assert value.ok
        """,
    )
    assert test.assertions == (
        "pytest.raises(ValueError, match='no')",
        "support.assert_created(x, 201)",
        "expect(x).to_have_text('a')",
        "check(y): if value: assert value.ok",
    )


def test_fixture_and_method_helpers_of_the_file_are_followed():
    tests = read(
        """
        import pytest
        @pytest.fixture
        def book(client):
            assert client.made
            return 1
        class TestA:
            def check(self, value): assert value == 1
            def test_a(self, book): self.check(book)
        """
    )
    assert tests["TestA::test_a"].assertions == (
        "fixture book: assert client.made",
        "self.check(book): assert value == 1",
    )


SKIPS = {
    "mark": ("assert x", "@pytest.mark.skip"),
    "mark with a reason": ("assert x", "@pytest.mark.skip(reason='later')"),
    "conditional mark": ("assert x", "@pytest.mark.skipif(True, reason='no')"),
    "expected failure": ("assert x", "@pytest.mark.xfail"),
    "mark by a name": ("assert x", "LATER = pytest.mark.skip\n@LATER"),
    "mark of the module": ("assert x", "pytestmark = pytest.mark.skip"),
    "a skipped case": ("assert x", "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.skip)])"),
    "unittest": ("assert x", "import unittest\n@unittest.skip('no')"),
    "the module": ("assert x", "pytest.skip('no', allow_module_level=True)"),
    "call": ("pytest.skip('no')\nassert x", ""),
    "call in a condition": ("if x:\n    pytest.skip('no')\nassert x", ""),
    "expected failure by call": ("pytest.xfail('no')\nassert x", ""),
    "return": ("return\nassert x", ""),
    "return of something": ("y = 1\nreturn y", ""),
    "dead branch": ("if False:\n    assert x", ""),
    "dead branch by number": ("if 0:\n    assert x", ""),
    "dead else": ("if True:\n    y()\nelse:\n    assert x", ""),
    "dead loop": ("for i in []:\n    assert x", ""),
    "dead while": ("while False:\n    assert x", ""),
    "after raise": ("assert y\nraise KeyError\nassert x", ""),
    "after both branches return": ("assert y\nif y:\n    return\nelse:\n    return\nassert x", ""),
    "generator": ("assert x\nyield 1", ""),
}


@pytest.mark.parametrize(("body", "before"), SKIPS.values(), ids=SKIPS)
def test_every_way_to_skip_is_seen(body: str, before: str):
    assert only(body, before).skipped


@pytest.mark.parametrize(
    "body",
    [
        "assert x\nreturn",
        "if x:\n    return\nassert y",
        "for i in x:\n    assert i\n    continue",
        "try:\n    f()\nfinally:\n    assert x",
        "if x:\n    assert y\nelse:\n    raise KeyError",
        "def inner():\n    return 1\nassert inner() == x",
    ],
)
def test_ordinary_flow_is_not_a_skip(body: str):
    test = only(body)
    assert not test.skipped
    assert test.assertions


@pytest.mark.parametrize(
    "body",
    [
        "try:\n    assert x\nexcept AssertionError:\n    pass",
        "try:\n    assert x\nexcept:\n    print()",
        "with suppress(AssertionError):\n    assert x",
        "with contextlib.suppress(Exception):\n    assert x",
        "def check():\n    assert x",
        "self.assertTrue(True)",
        "self.assertEqual(x, x)",
        "with pytest.raises(ValueError):\n    raise ValueError",
    ],
)
def test_assertion_that_is_swallowed_or_never_called_is_none(body: str):
    assert only(body).assertions == ()


GUARDED = {
    "match x:\n    case 1 if y:\n        assert x.a": "match x case 1 if y: assert x.a",
    "for i in x:\n    pass\nelse:\n    assert y": "assert y",
    "while x():\n    assert y": "while x(): assert y",
    "if x:\n    f()\nelse:\n    return\nassert y": "if x: assert y",
    "if True:\n    assert y": "assert y",
    "with x:\n    assert y": "assert y",
    "try:\n    f()\nexcept KeyError as e:\n    assert e.args": "except KeyError: assert e.args",
    "try:\n    f()\nexcept* KeyError:\n    pass\nelse:\n    assert y": "assert y",
    "if x != y:\n    raise AssertionError('no')": "if x != y: raise AssertionError",
    "checks = [check]\ndef check():\n    assert y": "check: assert y",
}


@pytest.mark.parametrize(("body", "first"), GUARDED.items())
def test_assertions_carry_what_guards_them(body: str, first: str):
    test = only(body)
    assert test.assertions[0] == first
    assert not test.skipped


def test_assertion_in_try_that_fails_in_the_handler_is_kept():
    assert only("try:\n    assert x\nexcept Exception:\n    raise").assertions == ("assert x",)
    assert only("try:\n    f()\nexcept Exception:\n    pytest.fail('no')").assertions == (
        "except Exception: pytest.fail()",
    )


WEAKENED = {
    "deleted assertion": "assert f(x) == 2",
    "weaker comparison": "assert f(x)\nassert f(x) == 2",
    "wrapped in a condition": "if y:\n    assert f(x) == 1\nassert f(x) == 2",
    "after a conditional return": "if y:\n    return\nassert f(x) == 1\nassert f(x) == 2",
    "in a loop that may not run": "for i in y:\n    assert f(x) == 1\nassert f(x) == 2",
    "swallowed": "try:\n    assert f(x) == 1\nexcept Exception:\n    pass\nassert f(x) == 2",
    "never called": "def g():\n    assert f(x) == 1\nassert f(x) == 2",
    "made vacuous": "assert f(x) == 1 or True\nassert f(x) == 2",
    "commented out": "# assert f(x) == 1\nassert f(x) == 2",
}


@pytest.mark.parametrize("body", WEAKENED.values(), ids=WEAKENED)
def test_weakening_is_named(body: str):
    before = only("assert f(x) == 1\nassert f(x) == 2")
    reason = compare_proofs([before], [only(body)])[before.id]
    assert reason.startswith("assertion removed: assert f(x) == 1")


def test_comparing_finds_deleted_and_skipped_and_forgives_additions_and_order():
    before = only("assert a(x)\nassert b(x)")
    assert compare_proofs([before], []) == {before.id: "deleted"}
    assert compare_proofs([before], [only("return\nassert a(x)\nassert b(x)")]) == {before.id: "skipped"}
    assert compare_proofs([before], [only("assert b(x)\nassert a(x), 'why'\nassert c(x)")]) == {}
    assert compare_proofs([before], [only("pass")]) == {before.id: "assertion removed: assert a(x) (and 1 more)"}


def test_comparing_sees_repeated_assertions_cases_strategies_and_lost_requirements():
    twice = only("assert f()\nassert f()")
    assert compare_proofs([twice], [only("assert f()")]) == {twice.id: "assertion removed: assert f()"}
    cases = only("assert f(x)", '@pytest.mark.parametrize("x", ["", "a"])')
    fewer = only("assert f(x)", '@pytest.mark.parametrize("x", ["a"])')
    assert compare_proofs([cases], [fewer]) == {cases.id: "assertion removed: case x = ''"}
    any_number = only("assert f(x)", "@given(st.integers())")
    assert compare_proofs([any_number], [only("assert f(x)", "@given(st.just(1))")])
    named = only("assert f(x)", '@pytest.mark.requirement("R1")')
    assert compare_proofs([named], [only("assert f(x)")]) == {named.id: "no longer names R1"}
    assert compare_proofs([only("assert f(x)")], [named]) == {}


def test_a_weaker_helper_of_the_file_weakens_the_test():
    strong, weak = "def check(v):\n    assert v == 1", "def check(v):\n    pass"
    before = only("check(x)", strong)
    assert compare_proofs([before], [only("check(x)", weak)])
    assert compare_proofs([before], [only("check(y)", strong)])


@pytest.mark.parametrize("source", ["def test_a(:\n  pass", "x = (", "\0", "def f():\nreturn"])
def test_source_that_does_not_parse_is_an_error_with_path_and_line(source: str):
    with pytest.raises(ValueError, match=rf"^{PATH}:\d+: "):
        read_pytest(PATH, source)


def test_source_nested_too_deeply_is_an_error():
    with pytest.raises(ValueError, match="nested too deeply"):
        read_pytest(PATH, "def test_a():\n    assert " + "not " * 100_000 + "x")


def test_helpers_that_call_each_other_without_measure_are_an_error():
    helpers = "".join(f"def h{n}():\n    h{n + 1}()\n    h{n + 1}()\n" for n in range(30))
    with pytest.raises(ValueError, match=rf"^{PATH}:1: the helpers of one test call each other"):
        read(helpers + "def h30(): pass\ndef test_a(): h0()\n")


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "y", "1", "'a'", "True", "[]"]),
    lambda inner: st.one_of(
        st.builds("({} == {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("f({})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
    ),
    max_leaves=6,
)


@given(st.lists(EXPRESSIONS, max_size=5), st.lists(EXPRESSIONS, max_size=3))
def test_adding_assertions_never_breaks_a_proof(before: list[str], added: list[str]):
    def body(conditions: list[str]) -> Source:
        return only("\n".join(f"assert {condition}" for condition in conditions) or "pass")

    first, second = body(before), body([*added, *before])
    assert compare_proofs([first], [second]) == {}
    for text in first.assertions:
        assert ast.parse(text)
    if first.assertions:
        assert compare_proofs([first], [body([])])


def test_a_mark_under_a_name_of_the_module_is_the_mark() -> None:
    source = (
        "import pytest\n\nproves = pytest.mark.requirement\n\n\n"
        '@proves("R1", "R2")\ndef test_one():\n    assert work() == 1\n'
    )
    assert read_pytest("tests/test_a.py", source)[0].requirements == ("R1", "R2")


def test_an_expected_error_ends_its_block_and_not_the_test() -> None:
    body = """
        with pytest.raises(ZeroDivisionError):
            with opened(x) as file:
                raise ZeroDivisionError
        assert file.closed
    """
    test = only(body)
    assert not test.skipped
    assert "assert file.closed" in test.assertions
    assert only(body.replace("pytest.raises", "contextlib.suppress")).skipped
