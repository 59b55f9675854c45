"""The phrases by which people say that they are not safe, as data.

The clinical lead writes them in texts/<language>/crisis.toml, which says what each list does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_GROUP: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisPhrases:
    """One language's lists.

    Args:
        hear: Phrases that are always heard.
        hear_unless_of_others: Phrases that are heard unless the sentence also has a word of `others`.
        hear_apart: The same, and any words may stand between those of the phrase.
        hear_unless_at_work: Phrases that are heard unless the sentence also has a word of `others` or `at_work`.
        others: Words for people other than the one who types.
        at_work: Words of clinicians' ordinary work.
        not_heard: Ordinary phrases, word for word: a phrase that ends inside one of them is not heard.
        alike: Words that count as the first of their row wherever a phrase has that one. A row may name another.
        skipped: Words that count for nothing, wherever they stand.
        between: Words that may stand between those of a phrase, and count where a phrase has them.
        sounds: Pairs of spellings that people confuse: the first is read as the second.
        common_words: Ordinary words that are close to one of a phrase. They are never taken for a typo of it.
        groups: What {a name} in a phrase stands for: any word or words of the group of that name.
    """

    hear: tuple[str, ...] = ()
    hear_unless_of_others: tuple[str, ...] = ()
    hear_apart: tuple[str, ...] = ()
    hear_unless_at_work: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    at_work: tuple[str, ...] = ()
    not_heard: tuple[str, ...] = ()
    alike: Mapping[str, Sequence[str]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    sounds: tuple[tuple[str, str], ...] = ()
    common_words: tuple[str, ...] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def parts(self, phrase: str) -> Iterator[tuple[str, ...]]:
        """Each part of a phrase in its order, in every wording that it may have: its own, or a group's."""
        for at, part in enumerate(_GROUP.split(phrase)):
            if at % 2 and part in self.groups:
                yield tuple(self.groups[part])
            elif part and not part.isspace():
                yield (part,)

    def rows(self) -> Iterator[tuple[str, Iterable[str]]]:
        """Each row of `alike`, with the rows that it names."""
        for head, others in self.alike.items():
            found = {head: None}
            waiting = list(others)
            while waiting:
                if (word := waiting.pop()) not in found:
                    found[word] = None
                    waiting += self.alike.get(word, ())
            yield head, list(found)[1:]

    def spelled_right(self) -> Iterator[str]:
        """Every word, and every part of a phrase, that is no typo: `alike` holds typos, too."""
        heard = (*self.hear, *self.hear_unless_of_others, *self.hear_apart, *self.hear_unless_at_work)
        yield from {text for phrase in (*heard, *self.not_heard) for part in self.parts(phrase) for text in part}
        yield from (*self.others, *self.at_work, *self.common_words, *self.skipped, *self.between, *self.alike)
