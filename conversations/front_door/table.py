"""The table of a visitor's record: what may come to it, and where each of it leads."""

from __future__ import annotations

from conversations.flow import SAME, after, on, opened, told
from conversations.front_door import coming_in, ending, forms
from conversations.front_door.doorstep import DOOR, GONE, flow, visitor
from conversations.messages import IsThere, NotAPeer, RequestAsked, RequestEnded, RequestForgotten
from conversations.vocabulary import Choice, Timer

# fmt: off
flow.table(
    # stage      who      choice, timer, me leads to         by
    opened(DOOR,                            to=SAME,         do=coming_in.come_in),
    on(DOOR,     visitor, Choice.LINK_ME,   to=SAME,         do=forms.enter_a_code),
    on(DOOR,     visitor, Choice.REMOVE,    to=SAME,         do=forms.remove_peers),
    on(DOOR,     visitor, Choice.INVITE,    to=SAME,         do=forms.enrol_peers),
    on(DOOR,     visitor, Choice.NOMINATE,  to=SAME,         do=forms.nominate_peers),
    on(DOOR,     visitor, Choice.NOT_NOW,   to=SAME,         do=forms.leave_it),
    told(DOOR,            RequestAsked,     to=SAME,         do=ending.they_asked),
    told(DOOR,            RequestEnded,     to=SAME,         do=ending.their_request_ended),
    told(DOOR,            RequestForgotten, to=SAME,         do=ending.their_request_is_forgotten),
    told(DOOR,            IsThere,          to=SAME,         do=coming_in.show_life),
    told(DOOR,            NotAPeer,         to=SAME,         do=coming_in.not_a_peer),
    after(DOOR,           Timer.GO,         to=(GONE, SAME), do=ending.let_them_go),
)
# fmt: on
