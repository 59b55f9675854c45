"""The table of a request: who may do what at each stage, what may run out, and where each of it leads."""

from __future__ import annotations

from conversations.flow import SAME, after, on, opened, told, unreached
from conversations.messages import (
    HideCards,
    IsThere,
    PeerCameBy,
    PeerComesBack,
    PeerLeft,
    QueueAsked,
    ReadLate,
    RequestOpens,
    RosterChanged,
    TakenAwayUnread,
    Undelivered,
)
from conversations.support import (
    afterwards,
    asking,
    check_ins,
    choosing,
    closing,
    escalation,
    status,
    unreachable,
)
from conversations.support.request import (
    ACCOMPANIED,
    AFTERWARDS,
    ASKING,
    CHOSEN,
    CLOSED,
    DETAILS,
    GONE,
    LASTING,
    NEW,
    OPEN,
    RESTING,
    TOGETHER,
    clinician,
    coordinator,
    flow,
    has_finished,
    has_parted,
    offered,
    on_call,
    peer,
    wrote,
)
from conversations.support.together import connection, introduction, last_card, meeting, parting, relay
from conversations.vocabulary import Choice, Timer

BOTH = (clinician, peer)
HAS_HELPED = (peer, has_finished)
HAS_WALKED = (*HAS_HELPED, has_parted)
PARTED = (ASKING, CHOSEN, RESTING, AFTERWARDS, CLOSED)
APART = (ASKING, CHOSEN, RESTING, AFTERWARDS)
ALONE = (ASKING, RESTING)
AT_WORK = (DETAILS, ASKING, CHOSEN, TOGETHER)
QUIET = (RESTING, AFTERWARDS)
UNHELD = (ASKING, RESTING, AFTERWARDS)
SEARCHING = (ASKING, CHOSEN)
WITH_A_PEER = (CHOSEN, TOGETHER)

# fmt: off
flow.table(
    # stage                who          choice, timer, message leads to                   by
    told(NEW,                           RequestOpens,          to=DETAILS,                do=asking.ask_for_details),

    on(DETAILS,            clinician,   Choice.ASK_NOW,        to=ASKING,                 do=asking.start_asking),
    on(DETAILS,            clinician,   Choice.CHOOSE_MORE,    to=SAME,                   do=asking.choose_more),
    on(DETAILS,            clinician,   Choice.ASK,            to=ASKING,                 do=asking.start_asking),
    on(DETAILS,            clinician,   Choice.CHANGE_MY_MIND, to=CLOSED,                 do=closing.nothing_was_asked),
    after(DETAILS,                      Timer.GIVE_UP,         to=(CLOSED, SAME),         do=closing.nothing_was_asked),

    on(ASKING,             offered,     Choice.YES,            to=(CHOSEN, SAME),         do=choosing.first_yes_wins),
    on(ASKING,             offered,     Choice.NOT_THIS_TIME,  to=SAME,                   do=asking.cannot_this_time),
    on(ASKING,             offered,     Choice.NOT_TODAY,      to=SAME,                   do=asking.cannot_today),
    on(ASKING,             clinician,   Choice.SOONER,         to=SAME,                   do=escalation.sooner_was_pressed),
    on(ASKING,             clinician,   Choice.SAVE,           to=SAME,                   do=asking.save_details),
    on(ASKING,             coordinator, Choice.ASK_EVERYONE,   to=SAME,                   do=escalation.ask_everyone_again),
    on(ASKING,             coordinator, Choice.TAKE_IT,        to=(CHOSEN, SAME),         do=escalation.take_it_myself),
    after(ASKING,                       Timer.WAVE,            to=SAME,                   do=asking.ask_again),
    after(ASKING,                       Timer.HALF,            to=SAME,                   do=asking.tell_the_next_in_line),
    after(ASKING,                       Timer.TARGET,          to=SAME,                   do=asking.tell_the_truth),
    after(ASKING,                       Timer.ESCALATE,        to=SAME,                   do=asking.tell_the_next_in_line),
    told(ASKING,                        PeerLeft,              to=SAME,                   do=asking.offered_peer_left),
    told(ASKING,                        QueueAsked,            to=SAME,                   do=escalation.show_again),
    told(ASKING,                        RosterChanged,         to=SAME,                   do=asking.roster_changed),

    on(CHOSEN,             clinician,   Choice.CONNECT,        to=TOGETHER,               do=introduction.introduce),
    on(CHOSEN,             clinician,   Choice.STAY_UNNAMED,   to=(TOGETHER, SAME),       do=introduction.let_them_write),
    on(CHOSEN,             clinician,   Choice.SOMEONE_ELSE,   to=(ASKING, SAME),         do=choosing.swap_silently),
    on(CHOSEN,             peer,        Choice.HAND_BACK,      to=ASKING,                 do=choosing.search_again),
    on(CHOSEN,             peer,        Choice.WAS_THERE,      to=ASKING,                 do=choosing.search_again),
    told(CHOSEN,                        PeerLeft,              to=ASKING,                 do=choosing.search_again),
    after(CHOSEN,                       Timer.CHOOSE,          to=(RESTING, SAME),        do=choosing.release_the_peer),

    on(RESTING,            clinician,   Choice.KEEP_ASKING,    to=ASKING,                 do=choosing.ask_once_more),
    on(RESTING,            clinician,   Choice.TALK_AGAIN,     to=ASKING,                 do=check_ins.find_a_peer),

    on(TOGETHER,           BOTH,        Choice.WRITE,          to=SAME,                   do=relay.open_the_pen),
    on(TOGETHER,           wrote,       Choice.SEND,           to=SAME,                   do=relay.pass_it_on),
    on(TOGETHER,           BOTH,        Choice.SHARE_NAME,     to=SAME,                   do=relay.share_my_name),
    on(TOGETHER,           clinician,   Choice.SOMEONE_ELSE,   to=ASKING,                 do=parting.someone_else),
    on(TOGETHER,           peer,        Choice.HAND_BACK,      to=ASKING,                 do=parting.peer_steps_back),
    on(TOGETHER,           peer,        Choice.WAS_THERE,      to=ASKING,                 do=parting.peer_steps_back),
    on(TOGETHER,           peer,        Choice.TALKED,         to=SAME,                   do=connection.they_talked),
    on(TOGETHER,           peer,        Choice.NOT_YET,        to=SAME,                   do=connection.they_will),
    on(TOGETHER,           clinician,   Choice.TALK_AGAIN,     to=SAME,                   do=check_ins.reach_the_same_peer),
    on(TOGETHER,           clinician,   Choice.CONNECTED,      to=SAME,                   do=connection.they_connected),
    on(TOGETHER,           clinician,   Choice.NOT_CONNECTED,  to=SAME,                   do=connection.wait_on),
    on(TOGETHER,           clinician,   Choice.KEEP_WAITING,   to=SAME,                   do=connection.wait_on),
    on(TOGETHER,           peer,        Choice.FINISHED,       to=AFTERWARDS,             do=afterwards.finish),
    on(TOGETHER,           BOTH,        Choice.CLOSE,          to=(CLOSED, AFTERWARDS),   do=afterwards.close_or_finish),
    on(TOGETHER,           BOTH,        Choice.FIND_TIME,      to=SAME,                   do=meeting.find_a_time),
    on(TOGETHER,           BOTH,        Choice.OFFER_TIMES,    to=SAME,                   do=meeting.offer_times),
    on(TOGETHER,           BOTH,        Choice.FIRST_TIME,     to=SAME,                   do=meeting.pick),
    on(TOGETHER,           BOTH,        Choice.SECOND_TIME,    to=SAME,                   do=meeting.pick),
    on(TOGETHER,           BOTH,        Choice.THIRD_TIME,     to=SAME,                   do=meeting.pick),
    on(TOGETHER,           BOTH,        Choice.NO_TIME,        to=SAME,                   do=meeting.no_time),
    after(TOGETHER,                     Timer.MEET,            to=SAME,                   do=meeting.it_is_time),
    told(TOGETHER,                      IsThere,               to=SAME,                   do=status.is_there),
    after(TOGETHER,                     Timer.TALKED,          to=(SAME, ASKING),         do=connection.nobody_has_said),
    told(TOGETHER,                      PeerLeft,              to=(ASKING, SAME),         do=parting.peer_left),

    on(AFTERWARDS,         clinician,   Choice.TALK_AGAIN,     to=ASKING,                 do=afterwards.ask_the_same_peer_first),

    opened(CLOSED,                                             to=SAME,                   do=status.back_after_closing),
    after(CLOSED,                       Timer.CRISIS,          to=SAME,                   do=closing.the_crisis_card_goes),
    after(CLOSED,                       Timer.TIDY,            to=SAME,                   do=closing.take_every_card_away),
    after(CLOSED,                       Timer.FORGET,          to=GONE,                   do=closing.forget),

    # what may come at several stages
    on(ASKING,             clinician,   Choice.KEEP_ASKING,    to=SAME,                   do=status.carry_on),
    on(QUIET,              clinician,   Choice.SAVE,           to=SAME,                   do=status.save_for_later),
    on(WITH_A_PEER,        clinician,   Choice.SAVE,           to=SAME,                   do=status.save_some),
    on(ACCOMPANIED,        clinician,   Choice.NOT_NOW,        to=SAME,                   do=status.leave_it),
    on(ACCOMPANIED,        clinician,   Choice.STOP_ASKING,    to=CLOSED,                 do=closing.stop_asking),
    on(ACCOMPANIED,        clinician,   Choice.CHANGE_MY_MIND, to=CLOSED,                 do=closing.close),
    on(APART,              clinician,   Choice.CLOSE,          to=CLOSED,                 do=closing.close),
    on(ASKING,             clinician,   Choice.SOMEONE_ELSE,   to=SAME,                   do=check_ins.already_searching),
    on(QUIET,              clinician,   Choice.SOMEONE_ELSE,   to=ASKING,                 do=check_ins.find_another_peer),
    on(SEARCHING,          clinician,   Choice.TALK_AGAIN,     to=SAME,                   do=check_ins.already_searching),
    on(ACCOMPANIED,        clinician,   Choice.OKAY_FOR_NOW,   to=SAME,                   do=check_ins.okay),
    on(ACCOMPANIED,        clinician,   Choice.SOMETHING_ELSE, to=SAME,                   do=check_ins.something_else),
    on(ACCOMPANIED,        clinician,   Choice.NO_MORE,        to=SAME,                   do=check_ins.no_more),
    on(ACCOMPANIED,        clinician,   Choice.THIRTY_DAYS,    to=SAME,                   do=check_ins.a_month_on),
    on(ACCOMPANIED,        clinician,   Choice.ASK_LATER,      to=SAME,                   do=check_ins.ask_later),
    on(ACCOMPANIED,        clinician,   Choice.TOMORROW,       to=SAME,                   do=check_ins.postpone),
    on(ACCOMPANIED,        clinician,   Choice.IN_THREE_DAYS,  to=SAME,                   do=check_ins.postpone),
    after(ACCOMPANIED,                  Timer.CHECK_IN,        to=SAME,                   do=check_ins.check_in),
    after(ACCOMPANIED,                  Timer.CLOSE,           to=(CLOSED, SAME),         do=closing.close_quietly),
    on(PARTED,             wrote,       Choice.SEND,           to=SAME,                   do=relay.not_passed_on),
    told(WITH_A_PEER,                   PeerCameBy,            to=SAME,                   do=status.peer_came_by),
    told(LASTING,                       PeerComesBack,         to=SAME,                   do=last_card.comes_back),
    told(LASTING,                       HideCards,             to=SAME,                   do=status.another_hides),
    told(LASTING,                       TakenAwayUnread,       to=SAME,                   do=relay.line_got_lost),
    told(OPEN,                          Undelivered,           to=SAME,                   do=unreachable.could_not_be_shown),
    told(OPEN,                          ReadLate,              to=SAME,                   do=unreachable.count_from_now),
    on(LASTING,            HAS_HELPED,  Choice.OKAY,           to=SAME,                   do=last_card.peer_is_okay),
    on(LASTING,            HAS_HELPED,  Choice.BREAK,          to=SAME,                   do=last_card.peer_wants_a_break),
    on(LASTING,            HAS_HELPED,  Choice.IM_READY,       to=SAME,                   do=last_card.peer_is_ready),
    on(LASTING,            HAS_HELPED,  Choice.TO_TALK,        to=SAME,                   do=last_card.peer_wants_to_talk),
    on(LASTING,            HAS_WALKED,  Choice.WORRIED,        to=SAME,                   do=escalation.page_the_on_call),
    after(LASTING,                      Timer.LAST_CARD,       to=SAME,                   do=last_card.the_numbers_leave),
    on(LASTING,            on_call,     Choice.ON_IT,          to=SAME,                   do=escalation.on_call_answers),
    after(LASTING,                      Timer.PAGE,            to=SAME,                   do=escalation.page_unanswered),
    opened(AT_WORK,                                            to=(SAME, CLOSED),         do=status.back_at_the_front_door),
    opened(QUIET,                                              to=(SAME, ASKING, CLOSED), do=status.back_at_the_front_door),
    unreached(UNHELD,                                          to=(SAME, CLOSED),         do=unreachable.go_on_without),
    unreached(CLOSED,                                          to=SAME,                   do=unreachable.alarm_the_next),
    unreached(WITH_A_PEER,                                     to=(SAME, ASKING, CLOSED), do=unreachable.go_on_without),
)
# fmt: on
