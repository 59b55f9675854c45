"""The table of a peer's record: who may do what at each stage, what may run out, and where each of it leads."""

from __future__ import annotations

from conversations.flow import SAME, after, on, opened, told, unreached
from conversations.messages import (
    Accompanies,
    CameBy,
    CannotBeReached,
    Freed,
    Helped,
    HideCards,
    Invited,
    IsReady,
    KnownElsewhere,
    NeedsABreak,
    Nominated,
    NotToday,
    OfferMade,
    Removed,
    WasWorried,
)
from conversations.peers import availability, duty, invitation, linking, load, onboarding
from conversations.peers.record import (
    APPROVAL,
    FORGOTTEN,
    GONE,
    INVITED,
    NEW,
    NOMINATED,
    PLEDGE,
    PROFILE,
    READY,
    coordinator,
    flow,
    volunteer,
)
from conversations.vocabulary import Choice, Timer

UNFINISHED = (PROFILE, PLEDGE)
ASKED = (APPROVAL, READY)
SHOWN = (INVITED, PROFILE, PLEDGE, APPROVAL, READY, GONE)
WAITING = (INVITED, PROFILE, PLEDGE, APPROVAL)
NOT_GONE = (*WAITING, READY)

# fmt: off
flow.table(
    # stage           who          choice, timer, mess leads to              by
    opened(NEW,                                        to=(PROFILE, FORGOTTEN), do=onboarding.come_to_the_front_door),

    told(NEW,                      Nominated,          to=NOMINATED,         do=invitation.nominated),
    on(NOMINATED,     coordinator, Choice.INVITE,      to=INVITED,           do=invitation.invite),
    on(NOMINATED,     coordinator, Choice.NO_INVITATION, to=GONE,            do=invitation.let_go),
    after(NOMINATED,               Timer.GIVE_UP,      to=GONE,              do=invitation.let_go),
    opened(NOMINATED,                                  to=(PROFILE, SAME),   do=invitation.comes_unasked),
    told((NEW, NOMINATED, GONE),   Invited,            to=INVITED,           do=invitation.invited),
    on(INVITED,       volunteer,   Choice.LIKE_TO,     to=PROFILE,           do=invitation.like_to),
    on(INVITED,       volunteer,   Choice.NO_THANKS,   to=GONE,              do=onboarding.not_now),
    after(INVITED,                 Timer.GIVE_UP,      to=GONE,              do=onboarding.not_now),
    unreached(INVITED,                                 to=GONE,              do=invitation.cannot_be_invited),

    on(PROFILE,       volunteer,   Choice.NEXT,        to=PLEDGE,            do=onboarding.read_the_pledge),
    on(PLEDGE,        volunteer,   Choice.PROMISE,     to=(APPROVAL, READY), do=onboarding.promised),
    on(UNFINISHED,    volunteer,   Choice.NOT_NOW,     to=GONE,              do=onboarding.not_now),
    after(UNFINISHED,              Timer.GIVE_UP,      to=GONE,              do=onboarding.not_now),

    on(ASKED,         coordinator, Choice.APPROVE,     to=(READY, SAME),     do=onboarding.approved),
    on(ASKED,         coordinator, Choice.TALK_FIRST,  to=SAME,              do=onboarding.talk_first),
    on(ASKED,         coordinator, Choice.DECLINE,     to=GONE,              do=onboarding.declined),
    after(APPROVAL,                Timer.REMIND,       to=(SAME, GONE),      do=onboarding.remind_coordinators),
    opened(WAITING,                                    to=(SAME, GONE),      do=onboarding.back_at_the_front_door),

    on(READY,         volunteer,   Choice.PAUSE,       to=SAME,              do=availability.how_long),
    on(READY,         volunteer,   Choice.FOR_TODAY,   to=SAME,              do=availability.pause_today),
    on(READY,         volunteer,   Choice.A_WEEK,      to=SAME,              do=availability.pause_a_week),
    on(READY,         volunteer,   Choice.UNTIL_I_SAY, to=SAME,              do=availability.pause_until_i_say),
    on(READY,         volunteer,   Choice.RESUME,      to=SAME,              do=availability.resume),
    on(READY,         volunteer,   Choice.ON_DUTY,     to=SAME,              do=duty.how_long),
    on(READY,         volunteer,   Choice.FOUR_HOURS,  to=SAME,              do=duty.begin),
    on(READY,         volunteer,   Choice.EIGHT_HOURS, to=SAME,              do=duty.begin),
    on(READY,         volunteer,   Choice.TWELVE_HOURS, to=SAME,             do=duty.begin),
    on(READY,         volunteer,   Choice.OFF_DUTY,    to=SAME,              do=duty.end),
    on(READY,         volunteer,   Choice.SHIFTS,      to=SAME,              do=duty.ask_for_shifts),
    on(READY,         volunteer,   Choice.SAVE_SHIFTS, to=SAME,              do=duty.save_shifts),
    on(READY,         volunteer,   Choice.CHANGE,      to=SAME,              do=availability.ask_for_changes),
    on(READY,         volunteer,   Choice.SAVE,        to=SAME,              do=availability.save),
    on(READY,         volunteer,   Choice.NOT_NOW,     to=SAME,              do=availability.leave_it),
    on(READY,         volunteer,   Choice.IM_READY,    to=SAME,              do=load.is_ready),
    after(READY,                   Timer.RESUME,       to=SAME,              do=availability.resume),
    after(READY,                   Timer.OFF_DUTY,     to=SAME,              do=duty.end),
    after(READY,                   Timer.EXPIRING,     to=SAME,              do=availability.training_ends_soon),
    after(READY,                   Timer.EXPIRED,      to=SAME,              do=availability.training_ended),
    after(READY,                   Timer.TIDY,         to=SAME,              do=load.tidy),
    after(READY,                   Timer.CODE,         to=SAME,              do=linking.code_expires),
    opened(READY,                                      to=(SAME, GONE),      do=availability.back_at_the_front_door),
    told(READY,                    OfferMade,          to=SAME,              do=load.was_asked),
    told(READY,                    Accompanies,        to=SAME,              do=load.accompanies),
    told(READY,                    CameBy,             to=SAME,              do=load.came_by),
    told(READY,                    Freed,              to=SAME,              do=load.freed),
    told(READY,                    Helped,             to=SAME,              do=load.rests_after_helping),
    told(READY,                    WasWorried,         to=SAME,              do=load.rests_after_worrying),
    told(READY,                    IsReady,            to=SAME,              do=load.is_ready),
    told(READY,                    NotToday,           to=SAME,              do=availability.not_today),
    told(READY,                    NeedsABreak,        to=SAME,              do=availability.needs_a_break),
    told(READY,                    CannotBeReached,    to=SAME,              do=availability.cannot_be_reached),
    told(READY,                    KnownElsewhere,     to=SAME,              do=linking.known_elsewhere),

    on(ASKED,         volunteer,   Choice.LEAVE,       to=GONE,              do=onboarding.leave),
    told(NOT_GONE,                 Removed,            to=GONE,              do=onboarding.removed),
    told(SHOWN,                    HideCards,          to=SAME,              do=onboarding.hide_cards),
    opened(GONE,                                       to=(PROFILE, SAME),   do=onboarding.begin_again),
    after(GONE,                    Timer.TIDY,         to=SAME,              do=onboarding.take_the_card_away),
    after(GONE,                    Timer.FORGET,       to=FORGOTTEN,         do=onboarding.forget),
)
# fmt: on
