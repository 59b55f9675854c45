"""What a generator of requests asks for: small numbers, texts and bytes, whoever makes them up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")
LONGEST: Final = 200  # characters or bytes that are made up at once


class Choices(Protocol):
    """Makes choices. A fuzzer makes them so that new code is reached, `Luck` by chance."""

    def below(self, number: int) -> int:
        """A number from 0 to one less than this."""

    def text(self) -> str:
        """A text of at most LONGEST characters, of any characters."""

    def raw(self) -> bytes:
        """At most LONGEST bytes."""


def one_of(choices: Choices, of: Sequence[T]) -> T:
    """One of these."""
    return of[choices.below(len(of))]


class Luck:
    """Choices by chance, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  no secret

    def below(self, number: int) -> int:
        """A number from 0 to one less than this."""
        return self._random.randrange(number)

    def text(self) -> str:
        """A text of any characters."""
        return "".join(
            chr(self._random.choice((128, 0x3000, 0x1_0000)) * self.below(2) + self.below(128))
            for _ in range(self.below(LONGEST))
        )

    def raw(self) -> bytes:
        """Bytes by chance."""
        return self._random.randbytes(self.below(LONGEST))


class Guided:
    """Choices of atheris, which remembers the bytes that reached code that no others did, and changes those.

    Args:
        provider: A `FuzzedDataProvider` of atheris. Once its bytes are used up it only gives zeros and nothing.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def below(self, number: int) -> int:
        """A number from 0 to one less than this."""
        return int(self._provider.ConsumeIntInRange(0, number - 1))

    def text(self) -> str:
        """A text, lone surrogates among it."""
        return str(self._provider.ConsumeUnicode(LONGEST))

    def raw(self) -> bytes:
        """Bytes."""
        return bytes(self._provider.ConsumeBytes(LONGEST))
