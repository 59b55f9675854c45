"""Hearing the phrases in what is typed, in whatever spelling. No match never means that a person is safe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from conversations.crisis.phrases import CrisisPhrases
from conversations.crisis.spelling import clauses, words
from conversations.crisis.typos import LONGEST, SHORTEST, TypoFinder, single

READ: Final = 4_000  # characters at the beginning and at the end of a longer text, so that a long one is soon read
SHORTEST_RUN: Final = 5  # letters of a word that may be several words typed without spaces
LONGEST_SLIP: Final = 3  # letters of what is no word, and may be a slip for a word such as to
MOST_SKIPPED: Final = 6  # words that are skipped in a row
MOST_APART: Final = 9  # words of any kind that stand between two of a phrase that is heard apart


class Listener:
    """Hears the phrases in what is typed. It is made once; hearing keeps nothing and changes nothing.

    Args:
        languages: The lists of each language; people may type in any of them.
        own: A hospital's further phrases, which are always heard.
    """

    def __init__(self, languages: Iterable[CrisisPhrases] = (), own: Sequence[str] = ()) -> None:
        every = tuple(languages)
        spelled_right = {word for each in every for text in each.spelled_right() for word in words(text)}
        self._ears = tuple(_Ear(replace(each, hear=(*each.hear, *own)), spelled_right) for each in every)

    def hears(self, text: str) -> bool:
        """Whether a phrase stands in what was typed."""
        if len(text) > 2 * READ:
            text = f"{text[:READ]}\n{text[-READ:]}"
        return any(ear.hears(clause) for clause in clauses(text) for ear in self._ears)


class _Kind(Enum):
    """What a phrase does."""

    HEARD = auto()
    HEARD_UNLESS_OF_OTHERS = auto()
    HEARD_UNLESS_AT_WORK = auto()
    NOT_HEARD = auto()


@dataclass(slots=True, eq=False)
class _Node:
    """The phrases that begin alike, as far as they do; in ordinary ones nothing may stand between the words.

    Args:
        exact: Whether they are ordinary ones.
        after: Where each next word leads: on along the same words, and out of every group that it ends.
        children: By the next word, or by the wordings of the next group, where that alone leads.
        ends: The kinds of the phrases that end here.
    """

    exact: bool = False
    after: dict[str, list[_Node]] = field(default_factory=dict)
    children: dict[str | tuple[str, ...], _Node] = field(default_factory=dict)
    ends: frozenset[_Kind] = frozenset()

    def along(self, heads: Sequence[str]) -> _Node:
        """Where these words lead one after another."""
        node = self
        for head in heads:
            if (child := node.children.get(head)) is None:
                child = node.children[head] = _Node(self.exact)
                node.after.setdefault(head, []).append(child)
            node = child
        return node

    def across(self, wordings: tuple[str, ...], every: Sequence[Sequence[str]]) -> Iterator[_Node]:
        """Where each of these wordings leads: all to the same place, so that a group costs the sum of its words."""
        if (end := self.children.get(wordings)) is None:
            end = self.children[wordings] = _Node(self.exact)
            for heads in filter(None, every):
                before = self.along(heads[:-1]) if len(heads) > 1 else self
                before.after.setdefault(heads[-1], []).append(end)
        yield end
        if not all(every):
            yield self


@dataclass(frozen=True, slots=True)
class _Place:
    """What may stand at one place of a sentence: words as phrases have them, and how many typed words each takes.

    Args:
        meant: Those.
        dropped: Whether what stands there counts for nothing.
        between: Whether it may stand between the words of a phrase.
    """

    meant: tuple[tuple[str, int], ...]
    dropped: bool
    between: bool


_Found = tuple[_Kind, int, int]  # and from which place to which


def _exactly(word: str) -> str:
    """The head of a word that no other counts as."""
    return f"={word}"


class _Ear:
    """Hears one language; a word of any language is not taken for a typo of one of its own."""

    def __init__(self, lists: CrisisPhrases, spelled_right: Iterable[str]) -> None:
        self._lists = lists
        self._read: dict[str, str] = {}  # how the words of the lists are heard; nothing typed is kept
        self._dropped = self._set_of(lists.skipped)
        self._skipped = self._dropped | self._set_of(lists.between)
        self._others = self._set_of(lists.others)
        self._at_work = self._others | self._set_of(lists.at_work)
        self._rows = self._set_of(lists.alike)
        self._heads: dict[str, set[str]] = defaultdict(set)  # by a word: as which words of phrases it counts
        self._several: dict[str, list[tuple[list[str], str]]] = defaultdict(list)  # the same of several words
        self._parts: set[str] = set()  # the words of those
        self._learnt: dict[tuple[tuple[str, ...], bool], list[list[str]]] = {}  # a group of many phrases is read once
        self._root, self._apart_root, self._exact_root = _Node(), _Node(), _Node(exact=True)
        self._learn(lists.hear, _Kind.HEARD, self._root)
        self._learn(lists.hear_unless_of_others, _Kind.HEARD_UNLESS_OF_OTHERS, self._root)
        self._learn(lists.hear_apart, _Kind.HEARD_UNLESS_OF_OTHERS, self._apart_root)
        self._learn(lists.hear_unless_at_work, _Kind.HEARD_UNLESS_AT_WORK, self._root)
        for head, others in lists.rows():
            self._count_as(self._words(head)[0], others)
        mistyped = {*self._heads, *self._skipped}
        self._learn(lists.not_heard, _Kind.NOT_HEARD, self._exact_root)
        self._no_typos = {*map(self._read_once, spelled_right), *self._heads, *self._parts}
        self._typos = TypoFinder({*self._heads, *self._skipped, *self._parts}, mistyped, self._no_typos)

    def hears(self, clause: list[str]) -> bool:
        """Whether one sentence holds a phrase that counts."""
        typed = [word for each in clause for word in self._apart(self._heard_as(each))]
        places = [self._place(typed, at) for at in range(len(typed))]
        found = [match for start in range(len(places)) for match in self._matches(places, start)]
        if not found:
            return False
        ordinary = [(start, end) for kind, start, end in found if kind is _Kind.NOT_HEARD]
        counts = self._counting(typed)
        return any(
            kind in counts and not any(first < end <= last for first, last in ordinary) for kind, _, end in found
        )

    def _counting(self, typed: list[str]) -> set[_Kind]:
        """The kinds of phrase that are heard beside these words."""
        counts = {_Kind.HEARD}
        if self._others.isdisjoint(typed):
            counts.add(_Kind.HEARD_UNLESS_OF_OTHERS)
        if self._at_work.isdisjoint(typed):
            counts.add(_Kind.HEARD_UNLESS_AT_WORK)
        return counts

    # ------------------------------------------------------------ learning the phrases

    def _heard_as(self, word: str) -> str:
        for written, read in self._lists.sounds:
            word = word.replace(written, read)
        return word

    def _words(self, phrase: str) -> list[str]:
        return [self._read_once(word) for word in words(phrase)]

    def _read_once(self, word: str) -> str:
        """The same for a word of the lists: they are few and come again and again."""
        if (read := self._read.get(word)) is None:
            read = self._read[word] = self._heard_as(word)
        return read

    def _set_of(self, texts: Iterable[str]) -> set[str]:
        return {word for text in texts for word in self._words(text)}

    def _learn(self, phrases: Iterable[str], kind: _Kind, root: _Node) -> None:
        for phrase in phrases:
            nodes = [root]
            for wordings in self._lists.parts(phrase):
                every = self._heads_of(wordings, root)
                if len(every) == 1:
                    nodes = [node.along(every[0]) for node in nodes]
                else:
                    nodes = [after for node in nodes for after in node.across(wordings, every)]
            for node in nodes:
                if node is not root:
                    node.ends |= {kind}

    def _heads_of(self, wordings: tuple[str, ...], root: _Node) -> list[list[str]]:
        if (every := self._learnt.get((wordings, root.exact))) is None:
            every = self._learnt[wordings, root.exact] = [self._new_heads_of(wording, root) for wording in wordings]
        return every

    def _new_heads_of(self, wording: str, root: _Node) -> list[str]:
        heads = []
        for word in self._words(wording):
            if root.exact or word not in self._dropped:
                heads.append(_exactly(word) if root.exact else word)
                self._heads[word].add(heads[-1])
        return heads

    def _count_as(self, head: str, others: Iterable[str]) -> None:
        for other in others:
            first, *more = self._words(other)
            if more:
                self._several[single(first)].append(([single(word) for word in (first, *more)], head))
                self._parts |= {first, *more}
            else:
                self._heads[first].add(head)

    # ------------------------------------------------------------ reading a sentence

    def _known(self, word: str) -> bool:
        return word in self._heads or word in self._skipped or word in self._parts

    def _apart(self, word: str) -> list[str]:
        """The words that were typed without a space, or the word itself."""
        if not SHORTEST_RUN <= len(word) <= LONGEST or word in self._no_typos or any(self._typos.meant(word)):
            return [word]
        ways: dict[int, list[str]] = {0: []}  # by how many letters of it are told apart
        for start in range(len(word)):
            for end in range(start + 1, len(word) + 1) if start in ways else ():
                part = word[start:end]
                if self._may_stick(part) and (end not in ways or len(ways[end]) > len(ways[start]) + 1):
                    ways[end] = [*ways[start], part]
        return ways.get(len(word), [word])

    def _may_stick(self, word: str) -> bool:
        """Whether this may be a part of several words typed as one: a known word; if it is short, a common one."""
        return word in self._skipped or word in self._rows or (len(word) >= SHORTEST and self._known(word))

    def _place(self, typed: list[str], at: int) -> _Place:
        word, two = typed[at], "".join(typed[at : at + 2])
        spelled = {word} if self._known(word) else set(self._typos.meant(word))
        meant = [(head, 1) for each in spelled for head in self._heads.get(each, ())]
        meant += [(head, 2) for head in self._heads.get(two, ()) if two != word]
        for several, head in self._several.get(single(word), ()):
            if [single(each) for each in typed[at : at + len(several)]] == several:
                meant.append((head, len(several)))
        slip = not spelled and len(word) <= LONGEST_SLIP and word not in self._no_typos
        dropped = not spelled.isdisjoint(self._dropped)
        return _Place(tuple(meant), dropped, slip or dropped or not spelled.isdisjoint(self._skipped))

    def _matches(self, places: list[_Place], start: int) -> Iterator[_Found]:
        """Every phrase that begins at this place; skipped words may stand in it, or any word if it is heard apart."""
        yield from self._ways(places, start, self._root)
        yield from self._ways(places, start, self._exact_root)
        yield from self._ways(places, start, self._apart_root)

    def _ways(self, places: list[_Place], start: int, root: _Node) -> Iterator[_Found]:
        apart = root is self._apart_root
        most = MOST_APART if apart else MOST_SKIPPED
        open_ways = [(start, root, 0)]
        while open_ways:
            at, node, skipped = open_ways.pop()
            if at == len(places):
                continue
            for head, length in places[at].meant:
                for after in node.after.get(head, ()):
                    yield from ((kind, start, at + length) for kind in after.ends)
                    open_ways.append((at + length, after, 0))
            may_skip = apart or (places[at].dropped if node.exact else places[at].between)
            if at > start and may_skip and skipped < most:
                open_ways.append((at + 1, node, skipped + 1))
