"""What a newer version wrote beside what we know: kept as it is, and written back at its place.

Two versions serve side by side while a release is rolled out, so the older one reads what the newer one wrote. It
understands its own fields, and carries the others in the part they belong to. A part that has a name (a slot its key,
an errand its id, a person all three words) takes them along wherever it goes in its list; where it is gone, or another
stands in its place, they are gone with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args, get_type_hints

import orjson

from conversations.immutable import Immutable

Plain = Any  # what JSON can hold
Name = str | None

_NAMES = (("platform", "workspace", "id"), ("key",), ("id",), ("person",), ("peer",), ("name",), ("text",))
"""By which words a part is known, wherever it stands; the first that are all there count."""


@dataclass(frozen=True, slots=True)
class UnknownFields:
    """What stands in one part of a record beyond what we know of it."""

    fields: Mapping[str, Plain] = field(default_factory=dict, repr=False)
    parts: tuple[tuple[str, Name, UnknownFields], ...] = field(default=(), repr=False)  # which field, whose, what
    items: tuple[tuple[Name, UnknownFields], ...] = field(default=(), repr=False)  # of a list: whose, what


def extract(written: Plain, known: Plain) -> UnknownFields | None:
    """What is in `written` and not in `known`, which is the same as we would write it; None where there is nothing."""
    if isinstance(written, dict) and isinstance(known, dict):
        unknown = {name: value for name, value in written.items() if name not in known}
        parts = tuple(_parts(written, known))
        return UnknownFields(unknown, parts) if unknown or parts else None
    if isinstance(written, list) and isinstance(known, list):
        pairs = zip(written, known, strict=False)
        items = tuple((_name_in_list(its), more) for one, its in pairs if (more := extract(one, its)) is not None)
        return UnknownFields(items=items) if items else None
    return None


def _parts(written: Mapping[str, Plain], known: Mapping[str, Plain]) -> Iterator[tuple[str, Name, UnknownFields]]:
    for name, value in known.items():
        if (more := extract(written.get(name), value)) is not None:
            yield name, _name(value), more


def merge(beyond: UnknownFields, known: Plain) -> Plain:
    """`known` as we would write it now, with what was found in an earlier version of it."""
    if isinstance(known, dict):
        after = {**beyond.fields, **known}
        for field_, whose, more in beyond.parts:
            if field_ in known and _name(known[field_]) == whose:
                after[field_] = merge(more, known[field_])
        return after
    if isinstance(known, list):
        left = list(beyond.items)
        return [_item(left, item) for item in known]
    return known


def _item(left: list[tuple[Name, UnknownFields]], item: Plain) -> Plain:
    name = _name_in_list(item)
    for at, (whose, more) in enumerate(left):
        if whose == name:
            del left[at]
            return merge(more, item)
    return item


def _name(part: Plain) -> Name:
    """What this part is known by; None for one that is known by its place alone."""
    if isinstance(part, dict):
        for words in _NAMES:
            if all(word in part for word in words):
                return "/".join(_name_in_list(part[word]) for word in words)
    return None


def _name_in_list(item: Plain) -> str:
    """A pair is known by its first; what has no name is the same as long as all that we know of it is."""
    if isinstance(item, list) and item:
        return _name_in_list(item[0])
    return _name(item) or orjson.dumps(item).decode()


# ---------------------------------------------------------------- what we know


def mark(*classes: type) -> str:
    """Eight letters that are others as soon as one of these dataclasses, or of those in them, has another field."""
    known = sorted({name for one in classes for name in known_fields(one)})
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:8]


def known_fields(cls: type) -> Sequence[str]:
    """Every field of this dataclass and of those it is made of, as `Class.field`."""
    return sorted(f"{each.__name__}.{one}" for each in _made_of(cls) for one in each.__struct_fields__)


def _made_of(cls: type) -> set[type[Immutable]]:
    seen: set[type[Immutable]] = set()
    waiting: list[Any] = [cls]
    while waiting:
        hint = waiting.pop()
        waiting += get_args(hint)
        if isinstance(hint, type) and issubclass(hint, Immutable) and hint not in seen:
            seen.add(hint)
            waiting += _hints(hint).values()
    return seen


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)
