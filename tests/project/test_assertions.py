"""Every test can fail: it asserts, expects an exception, or calls a helper under tests/ that does, at any depth.

A test without any of these passes whatever the code does. A function is looked for where its name comes from. Of a
method only the name is known, so one counts only if nothing in the product has a method of that name.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXPECTS = frozenset(("raises", "expect"))
"""What says what is expected: pytest.raises an exception, and Playwright's expect a state of the page."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
ASKED_ABOUT = (ast.Call, ast.Assert, ast.Raise, ast.Attribute, ast.Name)
Place = tuple[str, str]
"""A module, by its path from the root, and the name of a function or method in it."""


def functions_in(path: Path) -> Iterator[Function]:
    """Every function and method in this module."""
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def parts(function: Function) -> tuple[ast.AST, ...]:
    """Everything in it, at any depth; only what the questions below are about."""
    return tuple(node for node in ast.walk(function) if isinstance(node, ASKED_ABOUT))


@cache
def functions() -> Mapping[Place, tuple[Function, ...]]:
    """Every function and method under tests/; several may have one name in a module."""
    found = defaultdict[Place, tuple[Function, ...]](tuple)
    for path in sorted(ROOT.glob("tests/**/*.py")):
        for function in functions_in(path):
            found[str(path.relative_to(ROOT)), function.name] += (function,)
    return found


@cache
def places_of_methods() -> Mapping[str, frozenset[Place]]:
    """Where under tests/ something has this name, for each name that nothing in the product has."""
    ours = {
        name
        for room in ("conversations", "adapters", "bot")
        for path in ROOT.glob(f"{room}/**/*.py")
        for name in re.findall(r"\bdef (\w+)", path.read_text("utf-8"))
    }
    found = defaultdict[str, frozenset[Place]](frozenset)
    for place in functions():
        if place[1] not in ours:
            found[place[1]] |= {place}
    return found


@cache
def imports(module: str) -> Mapping[str, Place]:
    """What this module takes from others under tests/, by the name it has here."""
    statements = (node for node in ast.walk(parsed(ROOT / module)) if isinstance(node, ast.ImportFrom))
    return {
        each.asname or each.name: (f"{(statement.module or '').replace('.', '/')}.py", each.name)
        for statement in statements
        for each in statement.names
    }


def leads_to(module: str, function: Function) -> set[Place]:
    """What this function calls that stands under tests/."""
    found: set[Place] = set()
    for called in (node.func for node in parts(function) if isinstance(node, ast.Call)):
        if isinstance(called, ast.Name):
            found.add(imports(module).get(called.id, (module, called.id)))
        elif isinstance(called, ast.Attribute):
            found |= places_of_methods().get(called.attr, frozenset())
    return found


def asserts(function: Function) -> bool:
    """Whether it does so itself."""
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Raise) and "AssertionError" in ast.dump(node))
        or (isinstance(node, ast.Attribute) and node.attr in EXPECTS)
        or (isinstance(node, ast.Name) and node.id in EXPECTS)
        for node in parts(function)
    )


@cache
def can_fail() -> frozenset[Place]:
    """Every place that can fail a test: those that assert, then those that lead to one of them, and so on."""
    can = {place for place, found in functions().items() if any(map(asserts, found))}
    paths = {place: {to for each in found for to in leads_to(place[0], each)} for place, found in functions().items()}
    while more := {place for place, to in paths.items() if place not in can and not to.isdisjoint(can)}:
        can |= more
    return frozenset(can)


def test_every_test_can_fail() -> None:
    tests = {place for place in functions() if place[1].startswith("test_")}
    assert len(tests) > 1000
    assert sorted(tests - can_fail()) == []
