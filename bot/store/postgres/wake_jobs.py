"""Wake jobs: Procrastinate jobs that wake one replica when a record falls due.

A job carries the opaque id of one record and nothing else, and a finished job is deleted at once. Jobs are deferred and
cancelled on the store's own connection, in the transaction that writes the record, so a record that falls due within
the hour never lacks its job. (A command without a scheduler may delete a record and leave its job; that job finds
nothing, and is deleted when its id is used again.)

The record alone decides: a replica that is woken reads it to find out what is due. A job that is lost, doubled or late
delays something, and never does anything wrong.

What falls due later gets its job from `PostgresStore.add_missing_wake_jobs` when the hour has come, which keeps the
table small and makes most saves a single statement.
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

from bot.store.base import Deletion, Record
from bot.store.postgres import sql

PROCRASTINATE_SCHEMA: Final = "03.04.00_50"  # the newest of Procrastinate's migrations that ours contain
HORIZON: Final = timedelta(hours=1)  # what falls due later gets its job from a sweep, when the hour has come
QUEUE: Final = "peersupport"
TASK: Final = "look"
POLL_INTERVAL: Final = 1.0  # seconds; PostgreSQL does not announce a job whose time has come, so the worker polls
HEARTBEAT: Final = 10.0  # seconds
STALLED_AFTER: Final = 30.0  # seconds without a heartbeat after which a worker counts as dead
RETRY_AFTER: Final = timedelta(seconds=5)  # until a record that is still due is processed again
_DELETE_LEFTOVERS: Final = "DELETE FROM procrastinate_jobs WHERE queueing_lock = ANY(%(ids)s) AND status = 'todo'"
"""Jobs of a record that a command without a scheduler destroyed. Its id may be used again, and locks are unique."""

WAKE_JOB_BATCH: Final = 500  # records that get a job in one transaction
StandingJob = tuple[int | None, datetime | None]
"""The job that stands for a record, and when it runs by the server's clock."""

WakeCallback = Callable[[str], Awaitable[None]]
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


class WakeJobs:
    """The jobs of one database, for one replica.

    Args:
        pool: The store's connections.
        now: Returns the programme's time, by which records are due. Jobs run by the server's clock.
    """

    def __init__(self, pool: Pool, now: Callable[[], datetime]) -> None:
        """Prepare Procrastinate over this pool."""
        logging.getLogger("procrastinate").setLevel(logging.WARNING)  # its other log lines quote the id
        self._pool, self.now = pool, now
        self._app = App(connector=PsycopgConnector())
        self._callback: WakeCallback | None = None
        self._worker: Worker | None = None
        self._stopped = False
        self._task = self._app.task(name=TASK, queue=QUEUE)(self._run_job)

    async def _run_job(self, id: str) -> None:
        if self._callback is not None:
            await self._callback(id)

    async def open(self) -> None:
        """Connect Procrastinate to the pool, which must be open."""
        await self._app.open_async(self._pool)

    # ------------------------------------------------------------ in the store's transactions

    def wake_time(self, wake: datetime | None) -> datetime | None:
        """Return when a job has to run for a record with this `wake`; None where it needs none within the hour."""
        now = self.now()
        if wake is None or wake - now > HORIZON:
            return None
        return datetime.now(UTC) + (wake - now if wake > now else RETRY_AFTER)

    async def defer(self, connection: psycopg.AsyncConnection[Any], what: Sequence[tuple[str, datetime]]) -> list[int]:
        """Defer a job for each record id and time, in this connection's transaction; return the jobs' ids, in order."""
        await connection.execute(_DELETE_LEFTOVERS.encode("ascii"), {"ids": [id for id, _ in what]})
        jobs = [self._task.configure(queueing_lock=id, schedule_at=at).make_new_job(id=id) for id, at in what]
        with _unwrapped_errors():
            made = await self._app.job_manager.batch_defer_jobs_async(jobs, connection=connection)
        return [job.id or 0 for job in made]

    async def cancel(self, connection: psycopg.AsyncConnection[Any], job: int) -> None:
        """Delete this job, in this connection's transaction, unless a worker has begun it."""
        with _unwrapped_errors():
            await self._app.job_manager.cancel_job_by_id_async(job, delete_job=True, connection=connection)

    async def update(
        self,
        connection: psycopg.AsyncConnection[Any],
        changes: Sequence[Record | Deletion],
        standing: Sequence[StandingJob],
    ) -> None:
        """Give every changed record that falls due within the hour a job in time, and any other record none.

        Args:
            connection: The connection whose transaction has applied the changes.
            changes: The changes.
            standing: For each change, the job that stood for its record.
        """
        for change, (job, at) in zip(changes, standing, strict=True):
            wanted = self.wake_time(change.wake) if isinstance(change, Record) else None
            if at is not None and at > datetime.now(UTC) and wanted is not None and at <= wanted:
                continue
            if job is not None:
                await self.cancel(connection, job)
            if wanted is not None:
                await self._set_jobs(connection, [(change.id, wanted)])
            elif job is not None:
                await connection.execute(sql.SET_WAKE_JOB.encode("ascii"), {"id": change.id, "job": None, "poke": None})

    async def add_missing(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """Give a job to records that fall due within the hour and have none, or one that was lost.

        Returns:
            Whether there may be more of them.
        """
        now = self.now()
        values = {"now": now, "until": now + HORIZON, "limit": WAKE_JOB_BATCH}
        found = await (await connection.execute(sql.WITHOUT_WAKE_JOB.encode("ascii"), values)).fetchall()
        for _, _, job in found:
            if job is not None:
                await self.cancel(connection, job)
        what = [(id, at) for id, wake, _ in found if (at := self.wake_time(wake)) is not None]
        await self._set_jobs(connection, what)
        return len(found) == WAKE_JOB_BATCH

    async def _set_jobs(self, connection: psycopg.AsyncConnection[Any], what: Sequence[tuple[str, datetime]]) -> None:
        jobs = await self.defer(connection, what) if what else []
        for (id, at), job in zip(what, jobs, strict=True):
            await connection.execute(sql.SET_WAKE_JOB.encode("ascii"), {"id": id, "job": job, "poke": at})

    # ------------------------------------------------------------ being woken

    async def run(self, look: WakeCallback) -> None:
        """Run jobs, one at a time, until `stop` is called; each calls `look` with the id of its record.

        Raises:
            Exception: Whatever Procrastinate raises when the server goes away. Call it again then.
        """
        if self._stopped:
            return
        self._callback = look
        self._worker = Worker(
            self._app,
            queues=[QUEUE],
            concurrency=1,
            fetch_job_polling_interval=POLL_INTERVAL,
            abort_job_polling_interval=HEARTBEAT,
            listen_notify=False,  # it announces jobs that may run at once, and ours run later
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALLED_AFTER,
        )
        await self._worker.run()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        """Take no further jobs; one that was begun is finished. Call it again until `run` returns.

        A worker that is just starting may miss the first call.
        """
        self._stopped = True
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]

    async def remove_stalled(self) -> None:
        """Delete jobs that a dead worker had begun; their records are still due, and a sweep finds them."""
        manager = self._app.job_manager
        await manager.prune_stalled_workers(STALLED_AFTER)
        for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_AFTER):
            try:
                await manager.finish_job(job, Status.FAILED, delete_job=True)
            except ConnectorException:
                continue  # another replica was faster


@contextmanager
def _unwrapped_errors() -> Iterator[None]:
    """Raise what psycopg raised instead of Procrastinate's wrapper: the store decides what it means."""
    try:
        yield
    except ConnectorException as wrapped:
        if isinstance(wrapped.__cause__, psycopg.Error):
            raise wrapped.__cause__ from None
        raise
