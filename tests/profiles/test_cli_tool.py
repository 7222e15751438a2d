"""The profile cli-tool, built for specs written by hand: red first, then green and lint-free, then used."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from smaker.core.coverage import parse_coverage
from smaker.core.spec import ProductKind, Spec

pytestmark = pytest.mark.timeout(180)  # each builds a project and runs its tests twice

BuildPlan = Callable[[str], Any]


@pytest.fixture
def build_plan(plan: Callable[[str], Any], make_spec: Callable[..., Spec], build: Callable[[Spec], Any]) -> BuildPlan:
    """A function that builds the plan of a name."""
    return lambda name: build(make_spec(name, "cli-tool", ProductKind.CLI, **plan(name)))


@pytest.mark.parametrize("name", ["kitchen-sink", "odd-names"])
def test_it_is_red_on_the_skeleton_and_green_after_the_blueprints(name: str, build_plan: BuildPlan) -> None:
    build_plan(name)


def test_the_readme_and_a_person_get_what_they_expect(build_plan: BuildPlan) -> None:
    bench = build_plan("inventory")
    environment = {"PYTHONPATH": "src", "INVENTORY_DB": "inventory.db"}

    def inventory(line: str) -> tuple[int, str, str]:
        ran = bench.run(["python", "-m", *shlex.split(line)], env=environment)
        return ran.returncode, ran.stdout, ran.stderr

    readme = (bench.folder / "README.md").read_text()
    blocks = re.findall(r"```sh\n(inventory .*?)```", readme, re.DOTALL)
    assert len(blocks) == 3
    assert readme.index("\n. .venv/bin/activate\n") < readme.index("\ninventory --help\n") < readme.index(blocks[0])
    for line in re.findall(r".* (?:add|edit) .*", "".join(blocks)):
        assert inventory(line)[0] == 0, line
    assert inventory("inventory product list") == (
        0,
        "id  sku     name              price\n"
        "--  ------  ----------------  -----\n"
        " 1  AB-200  My first product  12.50\n",
        "",
    )
    assert inventory("inventory stock quantity-per-product")[1] == (
        "product             total quantity\n------------------  --------------\n1 My first product               5\n"
    )
    assert inventory("inventory --version") == (0, "inventory 0.1.0\n", "")
    assert inventory("inventory product add --sku AB-200 --name x --price 1") == (
        1,
        "",
        "Error: There is already a product with the sku 'AB-200'.\n",
    )
    assert inventory("inventory stock lst") == (2, "", "Error: No such command 'lst'. Did you mean 'list'?\n")


def test_coverage_is_measured(
    plan: Callable[[str], Any], make_spec: Callable[..., Spec], build: Callable[..., Any]
) -> None:
    bench = build(make_spec("expenses", "cli-tool", ProductKind.CLI, **plan("expenses")), measured=True)
    assert (parse_coverage((bench.folder / bench.loaded.profile.coverage).read_bytes()) or 0) > 90
