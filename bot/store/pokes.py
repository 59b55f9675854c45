"""Pokes: Procrastinate jobs by which a replica is woken. A job carries the opaque id of one record, and nothing else.

It is deferred and cancelled on the store's own connection, in the transaction that writes the record, so there is never
one without the other. The record remains the only truth: whoever is poked asks it. A finished job is deleted at once.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool

SCHEMA: Final = "03.04.00_50"  # the last of Procrastinate's migrations that ours contain
HOUR: Final = timedelta(hours=1)  # what falls due later gets its poke from a sweeper, when the hour has come
QUEUE: Final = "peersupport"
TASK: Final = "look"
POLL: Final = 1.0  # seconds; a job that falls due is not announced, so the worker asks
HEARTBEAT: Final = 10.0  # seconds
STALLED: Final = 30.0  # seconds without a heartbeat, after which a worker is taken for dead
AGAIN: Final = timedelta(seconds=5)  # until what is due still is looked at again
_LEFT: Final = "DELETE FROM procrastinate_jobs WHERE queueing_lock = ANY(%(ids)s) AND status = 'todo'"
"""What stood for a record that a command without a clock destroyed: its id may come again, and a lock is held once."""

Looking = Callable[[str], Awaitable[None]]
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


class Pokes:
    """The jobs of one database, for one replica."""

    def __init__(self, pool: Pool, now: Callable[[], datetime]) -> None:
        """Work over this pool. `now` is the programme's time; the server counts in its own."""
        logging.getLogger("procrastinate").setLevel(logging.WARNING)  # its other lines quote the id
        self._pool, self.now = pool, now
        self._app = App(connector=PsycopgConnector())
        self._look: Looking | None = None
        self._worker: Worker | None = None
        self._stopped = False
        self._task = self._app.task(name=TASK, queue=QUEUE)(self._looked)

    async def _looked(self, id: str) -> None:
        if self._look is not None:
            await self._look(id)

    async def open(self) -> None:
        """Make use of the pool, which is open."""
        await self._app.open_async(self._pool)

    # ------------------------------------------------------------ keeping appointments

    def wanted(self, wake: datetime | None) -> datetime | None:
        """When the server is to poke somebody for this appointment; None where there is none within the hour."""
        now = self.now()
        if wake is None or wake - now > HOUR:
            return None
        return datetime.now(UTC) + (wake - now if wake > now else AGAIN)

    async def defer(self, connection: psycopg.AsyncConnection[Any], what: Sequence[tuple[str, datetime]]) -> list[int]:
        """One job for each, in this connection's transaction; their ids, in order."""
        await connection.execute(_LEFT.encode("ascii"), {"ids": [id for id, _ in what]})
        jobs = [self._task.configure(queueing_lock=id, schedule_at=at).make_new_job(id=id) for id, at in what]
        with _in_the_servers_words():
            made = await self._app.job_manager.batch_defer_jobs_async(jobs, connection=connection)
        return [job.id or 0 for job in made]

    async def cancel(self, connection: psycopg.AsyncConnection[Any], job: int) -> None:
        """Take this job away, in this connection's transaction, unless somebody has begun it."""
        with _in_the_servers_words():
            await self._app.job_manager.cancel_job_by_id_async(job, delete_job=True, connection=connection)

    # ------------------------------------------------------------ being woken

    async def work(self, look: Looking) -> None:
        """Wait for pokes until `stop`; each is looked at, one at a time. Raises when the server goes away."""
        if self._stopped:
            return
        self._look = look
        self._worker = Worker(
            self._app,
            queues=[QUEUE],
            concurrency=1,
            fetch_job_polling_interval=POLL,
            abort_job_polling_interval=HEARTBEAT,
            listen_notify=False,  # it announces what is deferred, and ours are deferred for later
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALLED,
        )
        await self._worker.run()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        """Take no more; what was begun is finished. A worker that is only beginning may not hear it: say it again."""
        self._stopped = True
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]

    async def bury(self) -> None:
        """Take away what a dead worker had begun: what it was to look at is still due, and the sweeper finds it."""
        manager = self._app.job_manager
        await manager.prune_stalled_workers(STALLED)
        for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED):
            try:
                await manager.finish_job(job, Status.FAILED, delete_job=True)
            except ConnectorException:
                continue  # another replica was faster


@contextmanager
def _in_the_servers_words() -> Iterator[None]:
    """On a connection of the store, the store judges what went wrong: Procrastinate wraps what psycopg raised."""
    try:
        yield
    except ConnectorException as wrapped:
        if isinstance(wrapped.__cause__, psycopg.Error):
            raise wrapped.__cause__ from None
        raise
