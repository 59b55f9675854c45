"""What a test needs beyond its own process, found by reading the code that it reaches, and given to it as a marker.

A test gets the marker `process`, `postgres`, `browser` or `proxy` when it, a fixture it asks for, or a helper under
tests/ that either of them names leads to one of the functions in `LEADS_TO`. Nobody marks tests by hand, and a test
that starts a process without the marker fails (`_guard`), so none slips into `make test`.
"""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

NEEDS = {
    "browser": "a browser",
    "proxy": "a proxy",
    "postgres": "PostgreSQL",
    "process": "another process",
}
"""Every marker, and what it stands for. A test that has several is counted for the first of these."""

LEADS_TO: dict[object, str] = {
    asyncio.create_subprocess_exec: "process",
    multiprocessing.get_context: "process",
    os.fork: "process",
    subprocess.Popen: "process",
    subprocess.run: "process",
    ("tests.running.warm_cli", "warm_cli"): "process",
    ("tests.deploy.proxies", "installed"): "proxy",
    ("tests.playground.browser", "program"): "browser",
    ("tests.store.postgres_server", "server"): "postgres",
}
"""What starts something: a function of Python's own, or one of our helpers as (module, name)."""

LONGER = 240  # seconds until a test with a marker fails that hangs; tests without one have those of pyproject.toml
ON_FILES = "tinydb"  # a test that runs on either store has this parameter where it needs no PostgreSQL
_STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}  # of sys.audit

_now: list[pytest.Item] = []  # the test that runs at present, if any


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and watch for processes that are started without one."""
    for marker, what in NEEDS.items():
        config.addinivalue_line("markers", f"{marker}: needs {what}; given by tests/running/needs.py, never by hand")
    sys.addaudithook(_guard)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with what it needs, before `-m` looks at the markers."""
    for item in items:
        for marker in needs(item):
            item.add_marker(marker)
        if needed(item):
            item.add_marker(pytest.mark.timeout(LONGER))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Remember which test runs, for `_guard`."""
    _now[:] = [item]
    try:
        return (yield)  # type: ignore[return-value]
    finally:
        _now.clear()


def needed(item: pytest.Item) -> str | None:
    """Return the first marker of `NEEDS` that a test has, or None where its own process is enough."""
    return next((marker for marker in NEEDS if item.get_closest_marker(marker)), None)


def needs(item: pytest.Item) -> set[str]:
    """Return the markers that a test is to have, from the code that it and its fixtures reach."""
    fixtures = getattr(item, "_fixtureinfo", None)
    defined = fixtures.name2fixturedefs if fixtures else {}
    roots = [getattr(item, "function", None), *(each.func for found in defined.values() for each in found)]
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    roots += [_unwrapped(each) for each in parameters if callable(each)]
    found = set().union(*(_reached(root) for root in roots if isinstance(root, FunctionType)))
    return found - {"postgres"} if ON_FILES in [each for each in parameters if isinstance(each, str)] else found


def _guard(event: str, _: tuple[Any, ...]) -> None:
    """Refuse, with the name of the test, to start a process for a test that has no marker for it."""
    if event in _STARTS and _now and needed(_now[0]) is None:
        raise AssertionError(
            f"{_now[0].nodeid} starts a process, and tests/running/needs.py did not see it coming: "
            "let it, its fixtures or a helper that they name call what is listed in LEADS_TO"
        )


@cache
def _reached(root: FunctionType) -> frozenset[str]:
    """Return the markers of everything that is named by this function, or by what it names, and so on."""
    found, seen, rest = set[str](), set[object](), list[object]([root])
    while rest:
        each = rest.pop()
        if each in seen:
            continue
        seen.add(each)
        module, name = getattr(each, "__module__", None) or "", getattr(each, "__name__", "")
        if marker := LEADS_TO.get(each) or LEADS_TO.get((module, name)):
            found.add(marker)
        elif module.startswith("tests"):
            rest.extend(_named(each))
    return frozenset(found)


def _named(each: Any) -> Iterable[object]:
    """Return the functions and classes that a function's code names, or that a class consists of."""
    if inspect.isclass(each):
        members = (_unwrapped(member) for member in vars(each).values())
        return [*(member for member in members if isinstance(member, FunctionType)), *each.__bases__]
    return [_unwrapped(found) for code in _codes(each.__code__) for found in _names(code, each.__globals__)]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function, and of those defined inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _names(code: CodeType, known: dict[str, Any]) -> Iterator[Callable[..., object]]:
    """Yield what the names in this code stand for: globals, and attributes of the modules among them."""
    found = [known[name] for name in code.co_names if name in known]
    modules = [each for each in found if isinstance(each, ModuleType)]
    found += [getattr(module, name) for module in modules for name in code.co_names if hasattr(module, name)]
    if "getfixturevalue" in code.co_names:
        found += [_fixture(name) for name in code.co_consts if name in {"postgres", "new_database"}]
    yield from (each for each in found if callable(each))


def _fixture(_: object) -> Callable[..., object]:
    """Return what stands for PostgreSQL where a fixture is asked for by name."""
    from tests.store.postgres_server import server

    return server


def _unwrapped(each: Any) -> Any:
    """Return the function behind a context manager, a partial, a property, a static or a class method."""
    while isinstance(each, (partial, property, staticmethod, classmethod)):
        each = each.fget if isinstance(each, property) else each.func if isinstance(each, partial) else each.__func__
    return inspect.unwrap(each)
