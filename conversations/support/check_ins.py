"""Checking in after a day and after three: care, not assessment. No score, no question about what happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations import hours, slots
from conversations.flow import Decision
from conversations.model import Chose, Elapsed, Facts, Message, Post, Update, change
from conversations.support.asking import search
from conversations.support.request import (
    ASKING,
    TOGETHER,
    Contact,
    Request,
    awake,
    flow,
    lasting,
    when_to_ask_the_peer,
    zone_of_peer,
)
from conversations.support.together.cards import about_them
from conversations.vocabulary import CardKind, Choice, Timer, Word

THIRTY_DAYS = timedelta(days=30)
LATER = {Choice.TOMORROW: timedelta(days=1), Choice.IN_THREE_DAYS: timedelta(days=3)}
A_NIGHT, A_DAY_AND_A_NIGHT, FEW_DAYS = timedelta(hours=14), timedelta(hours=40), timedelta(hours=48)


def check_in(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Ask how things are: at a decent hour, once for all that fell due meanwhile; never chased."""
    decent = awake(request, facts.now, facts)
    if decent > facts.now:
        return flow.wait(request, {Timer.CHECK_IN: decent}), ()
    to_come = tuple(at for at in request.check_ins if at > facts.now)
    checked = change(request, check_ins=to_come, checked_in=facts.now)
    month = (Choice.THIRTY_DAYS,) if not to_come and _month_is_ahead(checked, facts) else ()
    question = _question(request, facts)
    another = (Choice.SOMEONE_ELSE,) if question == CardKind.CHECK_IN_PEER_SILENT else ()
    last = question == CardKind.CHECK_IN_MONTH or bool(another and month)
    later = (Choice.ASK_LATER,) if _still_to_choose(checked) and not last else ()
    choices = (Choice.OKAY_FOR_NOW, Choice.TALK_AGAIN, *another, Choice.SOMETHING_ELSE, *later, *month, Choice.NO_MORE)
    waiting = flow.wait(checked, lasting(checked, facts))
    card = Message(request.clinician, question, slots.CHECK_IN, choices, considerate=True)
    return waiting, (Post(change(card, details={"last": "no" if to_come else "yes"})),)


def _question(request: Request, facts: Facts) -> CardKind:
    """What is true of the time that has passed, whatever the settings made it."""
    if request.stage == ASKING:
        return CardKind.CHECK_IN_STILL_LOOKING if request.met else CardKind.CHECK_IN_NOBODY_YET
    if _peer_is_silent(request, facts):
        return CardKind.CHECK_IN_PEER_SILENT
    passed = facts.now - (request.counted_from or facts.now)
    if passed >= THIRTY_DAYS:
        return CardKind.CHECK_IN_MONTH
    if passed > FEW_DAYS:
        return CardKind.CHECK_IN_FEW_DAYS
    a_day = A_NIGHT <= passed <= A_DAY_AND_A_NIGHT and not _let_down(request)
    return CardKind.CHECK_IN_YESTERDAY if a_day else CardKind.CHECK_IN_NOW


def _let_down(request: Request) -> bool:
    """Whether a peer fell away, or did not say whether the two talked: then nothing is said of the time they had."""
    return request.parted in request.passed or (request.stage == TOGETHER and request.reminded)


def _peer_is_silent(request: Request, facts: Facts) -> bool:
    """Whether the peer was asked if they talked, and the time for their answer is over, or was prolonged.

    No one is called silent whom no platform has shown the question. Nothing is waited for once they answered. Where a
    line of theirs stands in the chat, no one has "not heard" from them, whatever came after it. 0.2.0 leaves `reminded`
    as it was then.
    """
    if request.stage != TOGETHER or request.contact.peer_wrote:
        return False
    if (request.peer, slots.TALKED) in facts.unread:
        return False
    answer_by = request.deadlines.get(Timer.TALKED)
    overdue = answer_by is not None and answer_by <= facts.now
    return request.reminded and (request.contact.asked or request.contact.waited or overdue)


def okay(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician is okay for now; the next check-in comes as promised."""
    return flow.wait(request, lasting(request, facts)), (_reply(request, CardKind.CHECK_IN_THANKS),)


def no_more(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician wants no more check-ins."""
    quiet = change(request, check_ins=(), kept_until=None, wishes=change(request.wishes, check_in=False))
    return flow.wait(quiet, lasting(quiet, facts)), (_reply(request, CardKind.CHECK_IN_NO_MORE),)


def ask_later(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician would rather be asked another time: tomorrow, or in three days, each of them once."""
    choices = (*_still_to_choose(request), Choice.TALK_AGAIN, Choice.NO_MORE)
    return request, (Update(Message(request.clinician, CardKind.CHECK_IN_WHEN, slots.CHECK_IN, choices)),)


def postpone(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """One more check-in, when they chose; the card names the next there is. A second press says what holds."""
    chosen = Choice(event.choice)
    if chosen not in _still_to_choose(request):
        return request, (_reply(request, CardKind.CHECK_IN_THANKS),)
    then = facts.now + LATER[chosen]
    later = change(
        request,
        check_ins=tuple(sorted({*request.check_ins, then})),
        postponed=(*request.postponed, chosen.value),
        wishes=change(request.wishes, check_in=True),
    )
    times = {"next": awake(later, min(later.check_ins), facts)}
    card = Message(request.clinician, CardKind.CHECK_IN_POSTPONED, slots.CHECK_IN, (Choice.NO_MORE,), times=times)
    return flow.wait(later, lasting(later, facts)), (Update(card),)


def _still_to_choose(request: Request) -> tuple[Choice, ...]:
    """What is left to choose; nothing where a day of erasure was promised, which another check-in could pass."""
    return () if request.kept_until else tuple(choice for choice in LATER if choice not in request.postponed)


def something_else(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Show professional help outside the chain of command; we contact no one."""
    felt_wrong = (Word.FELT_WRONG,) if facts.programme.complaints else ()
    return request, (Update(Message(request.clinician, CardKind.MORE_HELP, slots.CHECK_IN, felt_wrong)),)


def a_month_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """One more check-in, only on the clinician's own tap: it means keeping the request longer, until the day they read.

    It is asked for once. A press on an older card says what holds.
    """
    if request.kept_until is None and not _month_is_ahead(request, facts):
        return request, (_reply(request, CardKind.CHECK_IN_NO_MORE),)
    then, programme = _month_on(request, facts), facts.programme
    closes = awake(request, then, facts) + programme.close_after
    decent = hours.waking(closes, zone_of_peer(request, facts), programme.quiet)
    kept = request.kept_until or decent + programme.erase_after
    check_ins = request.check_ins if request.kept_until else tuple(dict.fromkeys((*request.check_ins, then)))
    later = change(request, check_ins=check_ins, kept_until=kept)
    card = Message(request.clinician, CardKind.CHECK_IN_THIRTY_DAYS, slots.CHECK_IN, times={"until": kept})
    return flow.wait(later, lasting(later, facts)), (Update(card),)


def _month_on(request: Request, facts: Facts) -> datetime:
    return (request.counted_from or facts.now) + THIRTY_DAYS


def _month_is_ahead(request: Request, facts: Facts) -> bool:
    return request.kept_until is None and facts.now < _month_on(request, facts)


def reach_the_same_peer(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The peer they know reads it at once, and is asked later if they talked; another colleague is one tap away."""
    to_peer = about_them(
        request, CardKind.PEER_TALK_AGAIN, CardKind.PEER_TALK_AGAIN_NAMED, slots.TALK_AGAIN, (Choice.HAND_BACK,)
    )
    told = Message(request.clinician, CardKind.CHECK_IN_TOLD_PEER, slots.CHECK_IN, (Choice.SOMEONE_ELSE,))
    talking = Timer.TALKED in request.deadlines
    afresh = request if talking else change(request, reminded=False, contact=Contact())
    waiting = afresh if talking else flow.wait(afresh, {Timer.TALKED: when_to_ask_the_peer(afresh, facts)})
    return waiting, (Post(to_peer), Update(told))


def find_a_peer(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician would like to talk again and has no peer: a new search begins."""
    asking, effects = search(request, facts)
    return asking, (asking_reply(request), *effects)


def find_another_peer(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician would rather talk with another colleague than the one they knew, who is not with them any more."""
    last = tuple(finished.peer for finished in request.finished[-1:])
    asking, effects = search(change(request, passed=tuple(dict.fromkeys((*request.passed, *last)))), facts)
    return asking, (asking_reply(request), *effects)


def asking_reply(request: Request) -> Update:
    """The check-in's own answer: a colleague is being found."""
    return _reply(request, CardKind.CHECK_IN_ASKING)


def already_searching(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician would like to talk again while a peer is being found."""
    return request, (asking_reply(request),)


def _reply(request: Request, card: CardKind) -> Update:
    return Update(Message(request.clinician, card, slots.CHECK_IN))
