"""Who can read what: one table for everything the programme shows or keeps.

A row is a thing, a cell is the reason why its reader can or cannot read it, and the reason says which: those in `CAN`
are a yes. What is meant is what a thing tells: a peer's profile is theirs, whichever card it stands on. Readers are
parts: who coordinates and is a peer, too, reads what both may.

tests/test_privacy.py plays every dialogue and looks at every screen for something that is a no here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conversations.model import Programme

READERS: tuple[str, ...] = ("clinician", "peer", "other-peers", "coordinator", "database", "export")
"""The clinician is who asked, or a visitor of the front door; the peer said yes, or offers to be one; other peers were
asked, too. The database is its file, without the root key; the export is Slack's or Teams'."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a reader can read a thing; `why` is the key of a sentence."""

    can: bool
    why: str


CAN = frozenset(
    (
        *("same", "whoever-looks", "to-them", "theirs", "own-offer", "own-answer", "neutral", "who-is-there"),
        *("meet-by-name", "shared", "wrote", "lawsuit", "again", "nobody-named", "to-approve", "to-renew"),
        *("message", "card", "typed-message", "typed-mailbox", "whose-chat", "prefilled", "sometimes", "its-size"),
        *("window-or-card", "to-invite", "in-sums"),
    )
)

_EXPORTS = {"slack": 5, "teams": 6}  # the column
_ABSENT = ("relay-off", "nobody-on-call", "nobody-coordinates")

# fmt: off
_TABLE = """
thing            clinician     peer          other-peers   coordinator   database     slack          teams

# the-door
welcome          same          same          same          same          sealed       message        card
door             to-them       not-to-them   not-to-them   not-to-them   sealed       message        card
crisis           to-them       not-to-them   not-to-them   not-to-them   sealed       message        card
refusal          same          same          same          same          not-kept     fleeting       sometimes
lock-screen      whoever-looks whoever-looks whoever-looks whoever-looks not-kept     message        card
typed            theirs        not-passed    not-passed    not-passed    not-kept     typed-message  typed-mailbox

# asking
details          to-them       not-to-them   not-to-them   nothing-more  sealed       message        card
held             to-them       not-to-them   not-to-them   nothing-more  sealed       message        card
ticked           theirs        how-and-when  how-only      nothing-more  sealed       passed-on      passed-on
left-out         theirs        to-nobody     to-nobody     to-nobody     sealed       with-a-press   with-a-press
status           to-them       not-to-them   not-to-them   nothing-more  sealed       message        card
offer            only-number   own-offer     own-offer     nothing-more  sealed       message        card
declined         only-number   no-noes       own-answer    no-noes       sealed       message        card
neutral          not-to-them   neutral       neutral       neutral       sealed       message        card
waiting          told-of-it    not-to-them   not-to-them   nobody-named  sealed       message        card
unreached        not-to-them   not-to-them   not-to-them   nobody-named  sealed       message        card

# together
said-yes         not-to-them   to-them       offer-only    nothing-more  sealed       message        card
chosen           who-is-there  theirs        offer-only    nothing-more  sealed       message        card
unnamed          theirs        code-name     code-name     nothing-more  sealed       whose-chat     whose-chat
shared-name      theirs        shared        offer-only    nothing-more  sealed       message        card
peer-name        meet-by-name  theirs        offer-only    nothing-more  sealed       message        card
relay            to-them       to-them       offer-only    nothing-more  sealed       message        card
pen              to-them       to-them       offer-only    nothing-more  until-sent   window         card
line             wrote         wrote         not-passed    not-passed    until-there  message        card
sent             to-them       to-them       offer-only    nothing-more  sealed       message        card
meeting          to-them       to-them       offer-only    nothing-more  sealed       message        card
lawsuit          to-them       lawsuit       offer-only    nothing-more  sealed       message        card
guide            not-to-them   to-them       offer-only    nothing-more  sealed       message        card
talked           not-to-them   to-them       offer-only    nothing-more  sealed       message        card
connected        to-them       not-to-them   offer-only    nothing-more  sealed       message        card
worried          not-to-them   to-them       offer-only    on-call-only  sealed       message        card
page             not-to-them   theirs        offer-only    on-call-only  sealed       message        card

# afterwards
check-in         to-them       not-to-them   offer-only    nothing-more  sealed       message        card
answer           theirs        only-again    offer-only    nothing-more  sealed       message        card
talk-again       theirs        again         offer-only    nothing-more  sealed       message        card
closed           to-them       not-to-them   offer-only    nothing-more  sealed       message        card
how-are-you      not-to-them   to-them       offer-only    not-to-them   sealed       message        card
taken-away       taken-away    taken-away    taken-away    taken-away    not-kept     message        card

# volunteering
nomination       theirs        not-to-them   not-to-them   not-by-whom   sealed       message        card
invitation       not-to-them   not-to-them   not-to-them   to-invite     sealed       message        card
invited          not-to-them   to-them       not-to-them   sent-not-read sealed       message        card
profile          role-at-most  theirs        not-to-them   not-all       sealed       prefilled      prefilled
pledge           same          same          same          same          sealed       message        card
approval         not-to-them   theirs        not-to-them   to-approve    sealed       message        card
training         not-to-them   to-them       not-to-them   to-renew      sealed       message        card
standing         not-to-them   to-them       not-to-them   not-to-them   sealed       message        card
accounts         not-to-them   to-them       not-to-them   not-to-them   sealed       message        card
code-form        to-them       not-to-them   not-to-them   not-to-them   until-sent   window-or-card card

# kept
record           what-it-holds not-to-them   not-to-them   nothing-more  sealed       not-there      not-there
numbers          not-to-them   not-to-them   not-to-them   in-sums       sealed       message        card
audit            not-to-them   not-to-them   not-to-them   not-to-them   sealed       not-there      not-there
footprint        not-to-them   not-to-them   not-to-them   not-to-them   its-size     not-there      not-there
"""

# What says the same in two places is told apart by the kind of conversation or by the slot, before a stroke.
_TEXTS = """
welcome          welcome privacy data numbers settings
door             door-nothing-open door-enough-today door-forgotten door-typed link-checked volunteer-not-yet
door             volunteer-elsewhere door-felt-wrong
crisis           crisis crisis-asking crisis-somebody-there crisis-keep-asking door-worried
refusal          old-button still-open without-buttons show-card noted not-here being-updated door-see-chat
lock-screen      push push-offer
details          support-ask support-ask-later support-ask-nobody
details          support-details support-details-later support-details-nobody support-change support-left-out
details          support-change-some
held             data-request
status           support-asking support-none-free support-nobody-now support-nobody-yet support-still-open
status           support-nobody-can support-nobody-found support-looking-again support-looking-on support-resting
status           support-finished
offer            peer-offer
declined         peer-not-this-time peer-not-today peer-full
neutral          neutral waiting/coordinator-settled
waiting          coordinator-waiting coordinator-asked-again coordinator-if-it-fits coordinator-queue
waiting          coordinator-remove coordinator-removed
numbers          coordinator-report
invitation       coordinator-enrol coordinator-enrolled coordinator-nominated coordinator-invited
invitation       coordinator-not-invited
nomination       door-nominate door-nominated
unreached        coordinator-cannot-reach coordinator-cannot-show
said-yes         peer-said-yes peer-handed-back peer-silent
chosen           support-chosen support-chosen-coordinator
shared-name      peer-together peer-apart peer-relay-named peer-talked-named peer-talk-again-named
peer-name        support-chosen-named support-together support-apart support-relay-named support-finished-named
connected        support-connected support-unanswered support-connected-yes support-waiting-on
connected        support-or-else support-as-it-is
relay            support-relay support-relay-shared peer-relay peer-relay-shared
pen              relay-form
line             relay-line relay-line-of-peer relay-line-named
sent             relay-sent relay-not-passed-on relay-undelivered
meeting          together-times together-offered together-which together-no-time together-none-fits
meeting          together-past together-agreed together-now
lawsuit          lawsuit
guide            peer-guide peer-unsafe door-other-account
talked           peer-talked peer-thanks peer-not-yet
worried          peer-worried peer-worried-phone peer-worried-on-call peer-phone-now peer-on-call-coming
worried          volunteer-worried
page             on-call-page on-call-thanks
check-in         check-in-yesterday check-in-now check-in-few-days check-in-month check-in-nobody-yet
check-in         check-in-still-looking check-in-peer-silent
answer           check-in-thanks check-in-no-more check-in-told-peer check-in-asking check-in-thirty-days more-help
answer           check-in-when check-in-postponed
talk-again       peer-talk-again
closed           support-closed support-any-time
how-are-you      peer-after peer-after-door peer-after-okay peer-after-break peer-after-talk
how-are-you      peer-after-long peer-after-ready
taken-away       taken-away
invited          volunteer-invited
profile          volunteer-profile volunteer-change volunteer-shifts
pledge           volunteer-pledge
approval         coordinator-approve coordinator-talk-first coordinator-approved coordinator-declined
approval         approval/coordinator-settled coordinator-approve-empty coordinator-approve-when
training         volunteer-training-ends volunteer-training-ended coordinator-renew coordinator-peers
standing         volunteer-waiting volunteer-talk-first volunteer-ready volunteer-paused volunteer-paused-until
standing         volunteer-resting volunteer-removed
standing         volunteer-pause volunteer-duty volunteer-on-duty volunteer-not-now volunteer-declined
standing         volunteer-unanswered volunteer-left volunteer-renewed volunteer-not-renewed
accounts         volunteer-code volunteer-linked
code-form        link-form
"""
# fmt: on


def _rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines() if line]


def _groups() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for first, second, *_ in _rows(_TABLE)[1:]:
        if first == "#":
            found[second] = ()
        else:
            found[next(reversed(found))] += (first,)
    return found


_CELLS = {thing: cells for thing, *cells in _rows(_TABLE)[1:] if thing != "#"}
_THING_OF = {text: thing for thing, *texts in _rows(_TEXTS) for text in texts}

GROUPS: Mapping[str, tuple[str, ...]] = _groups()
THINGS: tuple[str, ...] = tuple(_CELLS)
"""In the order of the table."""

SPOKEN: tuple[str, ...] = tuple(_THING_OF)
"""Every text the table knows, some with the kind or slot that tells them apart."""


def thing_of(kind: str, text: str, slot: str) -> str:
    """What a card is about: `text` in this slot, said by this kind of conversation ("support", "volunteering", …).

    Without a text a card is taken away. Raises KeyError for a text that is not in the table; a test finds it first.
    """
    if not text:
        return "taken-away"
    for exactly in (f"{kind}/{text}", f"{slot}/{text}"):
        if exactly in _THING_OF:
            return _THING_OF[exactly]
    return _THING_OF[text]


def verdicts(thing: str, programme: Programme, platform: str) -> Mapping[str, Verdict]:
    """Each reader's verdict, in the order of READERS; `platform` is "slack" or "teams"."""
    cells = _CELLS[thing]
    absent = _absent(thing, programme)
    whys = [absent] * len(READERS) if absent else [*cells[:5], cells[_EXPORTS[platform]]]
    return {reader: Verdict(why in CAN, why_key(why)) for reader, why in zip(READERS, whys, strict=True)}


def _absent(thing: str, programme: Programme) -> str:
    """Why there is no such thing under these settings, if there is none."""
    on_call = programme.on_call
    if thing in ("relay", "pen", "line", "sent") and not programme.relay:
        return "relay-off"
    if (thing == "worried" and on_call is None) or (thing == "page" and (on_call is None or on_call.person is None)):
        return "nobody-on-call"
    if thing == "approval" and not programme.coordinators:
        return "nobody-coordinates"
    in_line = bool(programme.coordinators) or (on_call is not None and on_call.person is not None)
    return "nobody-coordinates" if thing in ("waiting", "unreached") and not in_line else ""


def reader_key(reader: str) -> str:
    """The key of this reader's name in the texts."""
    return f"reader-{reader}"


def group_key(group: str) -> str:
    """The key of this group's title in the texts."""
    return f"group-{group}"


def thing_key(thing: str) -> str:
    """The key of this thing's name in the texts."""
    return f"thing-{thing}"


def why_key(reason: str) -> str:
    """The key of this reason's sentence in the texts."""
    return f"why-{reason}"


def reasons() -> frozenset[str]:
    """Every reason the table may give."""
    return frozenset((*(why for cells in _CELLS.values() for why in cells), *_ABSENT))
