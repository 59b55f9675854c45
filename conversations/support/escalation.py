"""The human at the end of every wait: the coordinator who is told that someone waits, the on-call person a peer calls.

Neither learns who the clinician is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conversations import matching, slots
from conversations.flow import TIDIED_BEFORE, Decision
from conversations.messages import QueueAsked, WasWorried
from conversations.model import Chose, Effect, Elapsed, Facts, Message, Person, Post, Tell, Update, Withdraw, change
from conversations.support.asking import ask_the_next, asking_card, neutral, offer_card, waiting_card
from conversations.support.choosing import let_them_choose
from conversations.support.closing import not_before_the_page
from conversations.support.request import Request, WorriedCall, all_of_them, flow, still_serves
from conversations.vocabulary import CardKind, Choice, Kind, Timer

PAGE = timedelta(minutes=5)  # until a worried peer is told to phone


def sooner_was_pressed(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Their own card says from then on that it is soon."""
    hurried, effects = make_it_sooner(request, facts)
    return (request, ()) if hurried is request else (hurried, (*effects, Update(asking_card(hurried, facts))))


def make_it_sooner(request: Request, facts: Facts) -> Decision[Request]:
    """The clinician would like to talk soon after all: the shorter target runs from now, and the next peers are asked.

    It works once, because nothing is sooner than *soon*. No promise moves back. Open offers and the coordinators who
    know are told anew: an edit of what they have read would reach nobody in time.
    """
    if request.urgency == "soon":
        return request, ()
    target = facts.programme.targets["soon"]
    clock = {Timer.HALF: facts.now + target / 2, Timer.TARGET: facts.now + target}
    sooner = {timer: min(at, request.deadlines.get(timer, at)) for timer, at in clock.items()}
    hurried = flow.wait(change(request, urgency="soon", late=False), sooner)
    again = tuple(Post(offer_card(hurried, offer, facts)) for offer in hurried.offers)
    known = tuple(Post(waiting_card(hurried, who)) for who in hurried.told)
    asking, new = ask_the_next(hurried, facts)
    return asking, (*again, *known, *new)


def ask_everyone_again(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Post open offers again to those who are free, and ask who has become free; never those who said no."""
    free = {peer.person for peer in facts.peers if matching.free_now(peer, facts)}
    again = tuple(Post(offer_card(request, offer, facts)) for offer in request.offers if offer.peer in free)
    everyone = change(request, wave=len(facts.programme.waves), asked=tuple(o.peer for o in request.offers))
    asking, new = ask_the_next(everyone, facts)
    answered = flow.wait(asking, {Timer.ESCALATE: None})
    card = Message(event.by, CardKind.COORDINATOR_ASKED_AGAIN, slots.WAITING, (Choice.TAKE_IT,))
    return answered, (*again, *new, Update(card), Update(asking_card(answered, facts)))


def take_it_myself(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """An ordinary yes, which the clinician may decline.

    A coordinator who cannot be theirs (left out, or swapped before) reads the very same card, so that it tells nothing.
    """
    card = Update(Message(event.by, CardKind.COORDINATOR_IF_IT_FITS, slots.WAITING))
    kept_out = all_of_them({request.clinician, *request.wishes.leave_out, *request.passed}, facts)
    if event.by in kept_out or matching.may_be_left_out(request, all_of_them({event.by}, facts), facts):
        return request, (card,)
    others = tuple(neutral(offer.peer) for offer in request.offers)
    told = tuple(who for who in request.told if who != event.by)
    taken = change(request, peer=event.by, alias=request.aliases, aliases=request.aliases + 1, offers=(), told=told)
    return let_them_choose(taken, facts, *others, card, thank=False)


def cannot_reach(
    request: Request, facts: Facts, card: CardKind = CardKind.COORDINATOR_CANNOT_REACH
) -> tuple[Effect, ...]:
    """A coordinator learns of a clinician the platform shows nothing to; no name, but not silence."""
    to = matching.next_in_line(change(request, told=()), facts)
    return (Post(Message(to, card, slots.WAITING)),) if to else ()


# ---------------------------------------------------------------- worried


def show_again(request: Request, event: QueueAsked, facts: Facts) -> Decision[Request]:
    """A coordinator who was told of it, and asks for the queue, finds it at the bottom of their chat."""
    told = event.by in request.told and still_serves(event.by, facts)
    return request, (Post(waiting_card(request, event.by)),) if told else ()


def page_the_on_call(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Numbers at once; the on-call person gets the peer's contact, never the clinician's.

    One who was left out is not paged: the peer reads to phone. In doubt about a name they are: it is an emergency.
    Pressing again puts off nothing: who waits for an answer reads when they first could have had one.
    """
    on_call, peer = facts.programme.on_call, event.by
    if on_call is None:
        return request, ()
    rests = Tell(Kind.PEER, peer, WasWorried())
    paged = _may_be_paged(request, peer, facts)
    if paged is None:
        themselves = on_call.person in all_of_them({peer}, facts)
        card = CardKind.PEER_WORRIED_ON_CALL if themselves else CardKind.PEER_WORRIED_PHONE
        return request, (Post(Message(peer, card, slots.WORRIED)), rests)
    calling, call = _with_call(request, peer, facts)
    return calling, (Post(Message(peer, CardKind.PEER_WORRIED, slots.WORRIED)), Post(_page(call, paged)), rests)


def _may_be_paged(request: Request, peer: Person, facts: Facts) -> Person | None:
    """The on-call person, where they can be written to and may hear of this request."""
    on_call = facts.programme.on_call
    who = on_call.person if on_call else None
    kept_out = all_of_them({peer, request.clinician, *request.wishes.leave_out}, facts)
    return None if who is None or who in kept_out or matching.is_named(request, {who}, facts) else who


def _page(call: WorriedCall, on_call: Person) -> Message:
    peer = call.peer
    return Message(
        on_call,
        CardKind.ON_CALL_PAGE,
        call.page,
        (Choice.ON_IT,),
        people={"peer": peer},
        meet=peer,
    )


def _with_call(request: Request, peer: Person, facts: Facts) -> tuple[Request, WorriedCall]:
    """Note a peer's call. One who calls again is answered in the same place, and waits no longer for it."""
    calls = _calls(request, request.deadlines.get(Timer.PAGE))
    number = next((at for at, call in enumerate(calls) if call.peer == peer), len(calls))
    already = calls[number].phone_at if number < len(calls) else None
    call = WorriedCall(peer, slots.page(number), already or facts.now + PAGE)
    return _waiting_for(change(request, worried=peer), (*calls[:number], call, *calls[number + 1 :])), call


def _calls(request: Request, phone_at: datetime | None) -> tuple[WorriedCall, ...]:
    """The calls of this request; 0.2.0 noted one, and when its peer is told to phone only in the deadline."""
    return request.calls or ((WorriedCall(request.worried, slots.PAGE, phone_at),) if request.worried else ())


def _waiting_for(request: Request, calls: tuple[WorriedCall, ...]) -> Request:
    """Wait for the next who is told to phone; a closed request is kept until the last of them was."""
    first = min((call.phone_at for call in calls if call.phone_at), default=None)
    waiting = flow.wait(change(request, calls=calls), {Timer.PAGE: first})
    forget = request.deadlines.get(Timer.FORGET)
    later = forget and not_before_the_page(waiting, forget)
    if forget is None or later is None or later == forget:
        return waiting
    tidy = later - TIDIED_BEFORE if Timer.TIDY in request.deadlines else None
    return flow.wait(waiting, {Timer.FORGET: later, Timer.TIDY: tidy})


def page_unanswered(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """The peer reads to phone, wherever the request stands: they may have handed back and still be worried."""
    return _to_the_phone(request, facts.now, facts)


def page_unreadable(request: Request, facts: Facts) -> Decision[Request]:
    """The on-call person cannot read a page: every peer who waits for an answer reads to phone at once."""
    return _to_the_phone(request, datetime.max.replace(tzinfo=UTC), facts)


def _to_the_phone(request: Request, due: datetime, facts: Facts) -> Decision[Request]:
    calls = _calls(request, facts.now)
    over = [call for call in calls if call.phone_at and call.phone_at <= due]
    told = _waiting_for(request, tuple(change(call, phone_at=None) if call in over else call for call in calls))
    if facts.programme.on_call is None:
        return told, ()
    return told, tuple(Post(Message(call.peer, CardKind.PEER_PHONE_NOW, slots.WORRIED)) for call in over)


def on_call_answers(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The on-call person takes one call; its peer reads that they will call. Others go on waiting for their answer."""
    calls = _calls(request, request.deadlines.get(Timer.PAGE))
    taken = next((call for call in calls if call.page == event.slot), None)
    if taken is None:
        return request, ()
    answered = tuple(change(call, phone_at=None) if call is taken else call for call in calls)
    coming = Post(Message(taken.peer, CardKind.PEER_ON_CALL_COMING, slots.WORRIED))
    thanks = Withdraw(Message(event.by, CardKind.ON_CALL_THANKS, taken.page))
    return _waiting_for(request, answered), (thanks, coming)
