"""Every choice, timer, typed word and card there is, by name, so that a misspelling fails mypy or the import.

Their values are written to disk and are keys of the texts: a value never changes once a release has written it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The kinds of conversation: one record in the store is one conversation of one kind."""

    REQUEST = "support"
    PEER = "volunteering"
    FRONT_DOOR = "doorstep"


class Choice(StrEnum):
    """What a person can press on a card of a conversation. The button's words are `button-<value>`."""

    # asking for support
    ASK_NOW = "ask-now"
    CHOOSE_MORE = "choose-more"
    ASK = "ask"
    CHANGE_MY_MIND = "change-my-mind"
    SOONER = "sooner"
    KEEP_ASKING = "keep-asking"
    STOP_ASKING = "stop-asking"
    # an offer
    YES = "yes"
    NOT_THIS_TIME = "not-this-time"
    NOT_TODAY = "not-today"
    # a peer said yes
    CONNECT = "connect"
    STAY_UNNAMED = "stay-unnamed"
    SOMEONE_ELSE = "someone-else"
    # together
    WRITE = "write"
    SEND = "send"
    SHARE_NAME = "share-name"
    HAND_BACK = "hand-back"
    WAS_THERE = "was-there"
    WORRIED = "worried"
    TALKED = "talked"
    NOT_YET = "not-yet"
    CONNECTED = "connected"
    NOT_CONNECTED = "not-connected"
    KEEP_WAITING = "keep-waiting"
    FINISHED = "finished"
    CLOSE = "close"
    # check-ins
    OKAY_FOR_NOW = "okay-for-now"
    TALK_AGAIN = "talk-again"
    SOMETHING_ELSE = "something-else"
    NO_MORE = "no-more"
    THIRTY_DAYS = "thirty-days"
    ASK_LATER = "ask-later"
    TOMORROW = "tomorrow"
    IN_THREE_DAYS = "in-three-days"
    # the peer, afterwards
    OKAY = "okay"
    BREAK = "break"
    TO_TALK = "to-talk"
    IM_READY = "im-ready"
    # coordinators, and the person on call
    ASK_EVERYONE = "ask-everyone"
    TAKE_IT = "take-it"
    ON_IT = "on-it"
    APPROVE = "approve"
    TALK_FIRST = "talk-first"
    DECLINE = "decline"
    REMOVE = "remove"
    # being a peer
    NEXT = "next"
    PROMISE = "promise"
    NOT_NOW = "not-now"
    PAUSE = "pause"
    FOR_TODAY = "for-today"
    A_WEEK = "a-week"
    UNTIL_I_SAY = "until-i-say"
    RESUME = "resume"
    ON_DUTY = "on-duty"
    FOUR_HOURS = "four-hours"
    EIGHT_HOURS = "eight-hours"
    TWELVE_HOURS = "twelve-hours"
    OFF_DUTY = "off-duty"
    SHIFTS = "shifts"
    SAVE_SHIFTS = "save-shifts"
    CHANGE = "change"
    SAVE = "save"
    LEAVE = "leave"
    # two accounts of one person
    LINK_ME = "link-me"


class Word(StrEnum):
    """What anyone can type, or press on a front-door card, at any time, whatever conversations they have."""

    NONE = ""  # everything else that was typed: it is answered, and kept nowhere
    HELP = "help"
    STATUS = "status"
    STOP = "stop"
    NOT_SAFE = "i am not safe"
    WORRIED = "worried"
    # asking for a colleague
    SOON = "soon"
    TODAY = "today"
    NO_RUSH = "no-rush"
    # being a peer
    PEER = "peer"
    PAUSE = "pause"
    RESUME = "resume"
    ON_DUTY = "on duty"
    SHIFTS = "shifts"
    CHANGE = "change"
    LEAVE = "leave"
    LINK = "link"
    # coordinators
    QUEUE = "queue"
    PEERS = "peers"
    REMOVE = "remove"
    # what we are, and what we keep
    NUMBERS = "numbers"
    PRIVACY = "privacy"
    FELT_WRONG = "felt-wrong"
    DATA = "data"
    FORGET_ME = "forget me"
    HIDE = "hide"
    SETTINGS = "settings"
    CODE = "code"


LESSENS: Final = frozenset(
    map(
        str,
        (
            *(Choice.CHANGE_MY_MIND, Choice.STOP_ASKING, Choice.CLOSE),
            *(Choice.HAND_BACK, Choice.WAS_THERE, Choice.FINISHED, Choice.NO_MORE),
        ),
    )
)
"""Choices that ask for less."""

FROM_ANY_COPY: Final = LESSENS | {str(Choice.WORRIED)}
"""Choices that are taken from any copy of a card, however old, from a person who may make them now: those that ask for
less, and a call for help."""

FRONT_DOOR_ONLY: Final = frozenset(map(str, Word)) - frozenset(map(str, Choice))
"""Words that no conversation has a choice of the same name for: on whatever card one stands, the front door answers."""


class Timer(StrEnum):
    """What a conversation waits for. A deadline is a timer and the moment at which it runs out."""

    # a request
    GIVE_UP = "give-up"
    WAVE = "wave"
    HALF = "half"
    TARGET = "target"
    ESCALATE = "escalate"
    CHOOSE = "choose"
    TALKED = "talked"
    PAGE = "page"
    CHECK_IN = "check-in"
    CLOSE = "close"
    CRISIS = "crisis"
    LAST_CARD = "last-card"
    FORGET = "forget"
    # a peer
    REMIND = "remind"
    RESUME = "resume"
    OFF_DUTY = "off-duty"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    TIDY = "tidy"  # of a request, too: what its record showed is taken away before it goes
    CODE = "code"
    # a visitor at the front door
    GO = "go"


class CardKind(StrEnum):
    """What a card says: the key of its text. Who may read it stands in conversations/privacy.py."""

    # the front door
    WELCOME = "welcome"
    PRIVACY = "privacy"
    DATA = "data"
    DATA_REQUEST = "data-request"
    NUMBERS = "numbers"
    SETTINGS = "settings"
    CRISIS = "crisis"
    CRISIS_ASKING = "crisis-asking"
    CRISIS_SOMEBODY_THERE = "crisis-somebody-there"
    CRISIS_KEEP_ASKING = "crisis-keep-asking"
    DOOR_ENOUGH_TODAY = "door-enough-today"
    DOOR_NOTHING_OPEN = "door-nothing-open"
    DOOR_FORGOTTEN = "door-forgotten"
    DOOR_SEE_CHAT = "door-see-chat"
    DOOR_TYPED = "door-typed"
    DOOR_WORRIED = "door-worried"
    DOOR_OTHER_ACCOUNT = "door-other-account"
    LINK_FORM = "link-form"
    LINK_CHECKED = "link-checked"
    # a request, as its clinician reads it
    SUPPORT_ASK = "support-ask"
    SUPPORT_ASK_LATER = "support-ask-later"
    SUPPORT_ASK_NOBODY = "support-ask-nobody"
    SUPPORT_DETAILS = "support-details"
    SUPPORT_DETAILS_LATER = "support-details-later"
    SUPPORT_DETAILS_NOBODY = "support-details-nobody"
    SUPPORT_ANY_TIME = "support-any-time"
    SUPPORT_CHANGE = "support-change"
    SUPPORT_CHANGE_SOME = "support-change-some"
    SUPPORT_LEFT_OUT = "support-left-out"
    SUPPORT_ASKING = "support-asking"
    SUPPORT_NONE_FREE = "support-none-free"
    SUPPORT_NOBODY_NOW = "support-nobody-now"
    SUPPORT_NOBODY_YET = "support-nobody-yet"
    SUPPORT_NOBODY_CAN = "support-nobody-can"
    SUPPORT_STILL_OPEN = "support-still-open"
    SUPPORT_NOBODY_FOUND = "support-nobody-found"
    SUPPORT_LOOKING_AGAIN = "support-looking-again"
    SUPPORT_LOOKING_ON = "support-looking-on"
    SUPPORT_CHOSEN = "support-chosen"
    SUPPORT_CHOSEN_NAMED = "support-chosen-named"
    SUPPORT_CHOSEN_COORDINATOR = "support-chosen-coordinator"
    SUPPORT_RESTING = "support-resting"
    SUPPORT_TOGETHER = "support-together"
    SUPPORT_APART = "support-apart"
    SUPPORT_RELAY = "support-relay"
    SUPPORT_RELAY_SHARED = "support-relay-shared"
    SUPPORT_RELAY_NAMED = "support-relay-named"
    SUPPORT_CONNECTED = "support-connected"
    SUPPORT_UNANSWERED = "support-unanswered"
    SUPPORT_CONNECTED_YES = "support-connected-yes"
    SUPPORT_WAITING_ON = "support-waiting-on"
    SUPPORT_FINISHED = "support-finished"
    SUPPORT_FINISHED_NAMED = "support-finished-named"
    SUPPORT_CLOSED = "support-closed"
    LAWSUIT = "lawsuit"
    MORE_HELP = "more-help"
    # writing through the bot
    RELAY_FORM = "relay-form"
    RELAY_LINE = "relay-line"
    RELAY_LINE_OF_PEER = "relay-line-of-peer"
    RELAY_LINE_NAMED = "relay-line-named"
    RELAY_SENT = "relay-sent"
    RELAY_NOT_PASSED_ON = "relay-not-passed-on"
    RELAY_UNDELIVERED = "relay-undelivered"
    # check-ins
    CHECK_IN_YESTERDAY = "check-in-yesterday"
    CHECK_IN_NOW = "check-in-now"
    CHECK_IN_FEW_DAYS = "check-in-few-days"
    CHECK_IN_MONTH = "check-in-month"
    CHECK_IN_NOBODY_YET = "check-in-nobody-yet"
    CHECK_IN_STILL_LOOKING = "check-in-still-looking"
    CHECK_IN_PEER_SILENT = "check-in-peer-silent"
    CHECK_IN_THANKS = "check-in-thanks"
    CHECK_IN_NO_MORE = "check-in-no-more"
    CHECK_IN_TOLD_PEER = "check-in-told-peer"
    CHECK_IN_ASKING = "check-in-asking"
    CHECK_IN_THIRTY_DAYS = "check-in-thirty-days"
    SUPPORT_OR_ELSE = "support-or-else"
    SUPPORT_AS_IT_IS = "support-as-it-is"
    CHECK_IN_WHEN = "check-in-when"
    CHECK_IN_POSTPONED = "check-in-postponed"
    # a request, as its peer reads it
    PEER_OFFER = "peer-offer"
    PEER_SAID_YES = "peer-said-yes"
    PEER_NOT_THIS_TIME = "peer-not-this-time"
    PEER_NOT_TODAY = "peer-not-today"
    PEER_FULL = "peer-full"
    PEER_HANDED_BACK = "peer-handed-back"
    PEER_SILENT = "peer-silent"
    NEUTRAL = "neutral"
    PEER_TOGETHER = "peer-together"
    PEER_APART = "peer-apart"
    PEER_RELAY = "peer-relay"
    PEER_RELAY_SHARED = "peer-relay-shared"
    PEER_RELAY_NAMED = "peer-relay-named"
    PEER_UNSAFE = "peer-unsafe"
    PEER_GUIDE = "peer-guide"
    PEER_TALKED = "peer-talked"
    PEER_TALKED_NAMED = "peer-talked-named"
    PEER_THANKS = "peer-thanks"
    PEER_NOT_YET = "peer-not-yet"
    PEER_TALK_AGAIN = "peer-talk-again"
    PEER_TALK_AGAIN_NAMED = "peer-talk-again-named"
    PEER_WORRIED = "peer-worried"
    PEER_WORRIED_PHONE = "peer-worried-phone"
    PEER_WORRIED_ON_CALL = "peer-worried-on-call"
    PEER_PHONE_NOW = "peer-phone-now"
    PEER_ON_CALL_COMING = "peer-on-call-coming"
    PEER_AFTER = "peer-after"
    PEER_AFTER_LONG = "peer-after-long"
    PEER_AFTER_READY = "peer-after-ready"
    PEER_AFTER_DOOR = "peer-after-door"
    PEER_AFTER_OKAY = "peer-after-okay"
    PEER_AFTER_BREAK = "peer-after-break"
    PEER_AFTER_TALK = "peer-after-talk"
    # being a peer
    VOLUNTEER_PROFILE = "volunteer-profile"
    VOLUNTEER_CHANGE = "volunteer-change"
    VOLUNTEER_PLEDGE = "volunteer-pledge"
    VOLUNTEER_WAITING = "volunteer-waiting"
    VOLUNTEER_TALK_FIRST = "volunteer-talk-first"
    VOLUNTEER_READY = "volunteer-ready"
    VOLUNTEER_PAUSED = "volunteer-paused"
    VOLUNTEER_RESTING = "volunteer-resting"
    VOLUNTEER_REMOVED = "volunteer-removed"
    VOLUNTEER_PAUSED_UNTIL = "volunteer-paused-until"
    VOLUNTEER_CODE = "volunteer-code"
    VOLUNTEER_LINKED = "volunteer-linked"
    VOLUNTEER_PAUSE = "volunteer-pause"
    VOLUNTEER_DUTY = "volunteer-duty"
    VOLUNTEER_ON_DUTY = "volunteer-on-duty"
    VOLUNTEER_SHIFTS = "volunteer-shifts"
    VOLUNTEER_WORRIED = "volunteer-worried"
    VOLUNTEER_NOT_YET = "volunteer-not-yet"
    VOLUNTEER_ELSEWHERE = "volunteer-elsewhere"
    VOLUNTEER_NOT_NOW = "volunteer-not-now"
    VOLUNTEER_DECLINED = "volunteer-declined"
    VOLUNTEER_UNANSWERED = "volunteer-unanswered"
    VOLUNTEER_RENEWED = "volunteer-renewed"
    VOLUNTEER_NOT_RENEWED = "volunteer-not-renewed"
    VOLUNTEER_LEFT = "volunteer-left"
    VOLUNTEER_TRAINING_ENDS = "volunteer-training-ends"
    VOLUNTEER_TRAINING_ENDED = "volunteer-training-ended"
    # coordinators, and the person on call
    DOOR_FELT_WRONG = "door-felt-wrong"
    COORDINATOR_QUEUE = "coordinator-queue"
    COORDINATOR_PEERS = "coordinator-peers"
    COORDINATOR_REMOVE = "coordinator-remove"
    COORDINATOR_REMOVED = "coordinator-removed"
    COORDINATOR_WAITING = "coordinator-waiting"
    COORDINATOR_ASKED_AGAIN = "coordinator-asked-again"
    COORDINATOR_IF_IT_FITS = "coordinator-if-it-fits"
    COORDINATOR_SETTLED = "coordinator-settled"
    COORDINATOR_CANNOT_REACH = "coordinator-cannot-reach"
    COORDINATOR_CANNOT_SHOW = "coordinator-cannot-show"
    COORDINATOR_APPROVE = "coordinator-approve"
    COORDINATOR_APPROVE_EMPTY = "coordinator-approve-empty"
    COORDINATOR_APPROVE_WHEN = "coordinator-approve-when"
    COORDINATOR_RENEW = "coordinator-renew"
    COORDINATOR_TALK_FIRST = "coordinator-talk-first"
    COORDINATOR_APPROVED = "coordinator-approved"
    COORDINATOR_DECLINED = "coordinator-declined"
    ON_CALL_PAGE = "on-call-page"
    ON_CALL_THANKS = "on-call-thanks"


LOCK_SCREEN: Final[Mapping[CardKind, str]] = {CardKind.PEER_OFFER: "push-offer"}
"""Cards whose reader may choose that a lock screen says more of them than the constant, and the key of what it says."""
