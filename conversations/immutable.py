"""The base of everything that is decided about, said or remembered: values that cannot be changed and name nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from dataclasses import replace  # the type checker holds every name and type that is changed
else:
    from msgspec.structs import replace

__all__ = ["Immutable", "field", "replace"]


class Immutable(Struct, frozen=True):
    """A value. Printed, it shows its class and, if it has one, its stage: never what it says of a person."""

    def __repr__(self) -> str:
        """What a traceback or a log may show."""
        stage = getattr(self, "stage", None)
        return type(self).__name__ if stage is None else f"{type(self).__name__}({stage!s})"
