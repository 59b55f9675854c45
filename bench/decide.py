"""What a decision costs, and what it costs to serialise and seal it: python -m bench.decide.

The decision: one of five peers who were asked says yes. Processor time, the median of rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench.goals import Goal, missed
from bench.hospital import VOLUNTEER, asking, mail_of
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, encode, json_of
from bot.engine.outbox_builder import changes_of, with_changes
from conversations.model import Chose, Facts, Peer, Programme
from conversations.registry import REQUESTS
from conversations.vocabulary import Kind

SUPPORT = REQUESTS.flow

ROUNDS, TIMES = 9, 2000
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, ten o'clock in New York
VAULT = Vault(bytes(32))
PEERS = tuple(Peer(who, zone="America/New_York", trained_until=NOW.date().replace(2027)) for who in VOLUNTEER)
FACTS = Facts(NOW, Programme(zone="America/New_York"), PEERS, fresh="0" * 32, luck=1)
REQUEST = asking(NOW)
MAIL = mail_of(REQUEST)
YES = Chose(VOLUNTEER[2], "yes")


def decide() -> None:
    SUPPORT.decide(REQUEST, YES, FACTS)


DECIDED, EFFECTS = SUPPORT.decide(REQUEST, YES, FACTS)
SAID = with_changes(MAIL, changes_of(EFFECTS), lambda: "1" * 32)
AFTER = Stored(DECIDED, Kind.REQUEST.value, SAID, 1, NOW.date())


def take_in() -> None:
    with_changes(MAIL, changes_of(EFFECTS), lambda: "1" * 32)


def serialise() -> None:
    json_of(AFTER)


def seal() -> None:
    encode(AFTER, VAULT, NOW)


def decide_and_seal() -> None:
    decide()
    take_in()
    seal()


def cpu(deed: Callable[[], None]) -> float:
    """Microseconds of processor time."""
    started = time.process_time()
    for _ in range(TIMES):
        deed()
    return (time.process_time() - started) / TIMES * 1e6


def main() -> int:
    """Measure in interleaved rounds and print. Returns how many goals were missed."""
    deeds = {
        "decide: yes, with five offers": (decide, 50.0),
        "take what it says into the outbox": (take_in, None),
        "serialise the request": (serialise, None),
        "serialise and seal all of it": (seal, None),
        "decide, take in, serialise, seal": (decide_and_seal, 80.0),
    }
    figures: dict[str, list[float]] = {name: [] for name in deeds}
    for number in range(ROUNDS + 1):
        for name, (deed, _) in deeds.items():
            figure = cpu(deed)
            if number:  # the first round warms up
                figures[name].append(figure)
    medians = {name: statistics.median(figures[name]) for name in deeds}
    for name, figure in medians.items():
        print(f"{name:36}{figure:7.1f} µs")
    return missed([Goal(f"{name}, µs", medians[name], goal) for name, (_, goal) in deeds.items() if goal])


if __name__ == "__main__":
    assert DECIDED.stage != REQUEST.stage, "the yes was not heard"  # noqa: S101
    sys.exit(1 if main() else 0)
