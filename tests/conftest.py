"""Fixtures for every folder; how the tests are found, marked, run and summed up is in tests/running/."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings

from bot.store.postgres import migrate
from tests.running.examples import examples
from tests.running.not_run import not_run
from tests.store import postgres_server
from tests.store.postgres_server import Server

pytest_plugins = ["tests.running.needs", "tests.running.dialogues", "tests.running.first_and_last_line"]

settings.register_profile("ours", max_examples=examples(100), deadline=None)  # a busy machine is no failure
settings.load_profile("ours")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was loaded, which lives as long as the run, and let it look seldom: tests that
    try hundreds of thousands of decisions spent a fifth of their time in it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real server, one for each worker that needs it."""
    where = postgres_server.binaries()
    if where is None:
        not_run("PostgreSQL", postgres_server.HOW)
    with postgres_server.server(where) as running:
        migrate.upgrade(running.url(running.database()))  # test_0: the template of every prepared one
        yield running


@pytest.fixture
def new_database(postgres: Server) -> str:
    """The address of a prepared, empty database."""
    return postgres.url(postgres.database("test_0"))
