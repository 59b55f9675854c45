### At the door: what anyone reads who comes by. Owned by the peer support lead.
### Rules: at most five short sentences and 320 characters; no advice, no cheer, no exclamation marks.

## The first thing anyone reads

welcome =
    If you can't stay safe, { reach-crisis } now.
    Hard days happen in this work. Would you like to talk with a trained colleague? You don't need a reason.
    Please leave out patient details.{ $how ->
        [typed] {" "}{ nobody-told }
       *[other] {""}
    }

## Privacy

privacy =
    Peers promise to keep what you say to themselves, and we keep no notes. Limits: { privacy-limits }
    { hospital-sees }, so we keep stories out of chat.
    We close { $close-after } after the last word, and erase { $erase-after } later.

# The hospital's own wording once it is signed; until then the named exceptions.
privacy-limits = { $limits-signed ->
    [yes] { $limits }.
   *[no] immediate danger, abuse the law makes us report, a court order.
}

data =
    While you have an open request we hold who you are here, what you ticked, whom you left out, and when to check in.
    Also { data-others }. It is erased { $erase-after } after closing.
    Type "forget me" and it goes now. A peer's entry goes with "leave".
data-others = the colleagues we asked and what they answered (we don't show that to anyone), and where our messages are
data-request =
    Your request: { $ticked-urgency }, { $stage }.{ $asked ->
        [yes] {" "}You asked { $began }.
       *[no] {""}
    }{ $checks-in ->
        [yes] {" "}We check in { $check-in }.
       *[no] {""}
    }{ $closes ->
        [yes] {" "}It closes by itself { $closing }.
       *[no] {""}
    }{ $erases ->
        [yes] {" "}It is erased { $erased }.
       *[no] {" "}It is erased { $erase-after } after closing.
    }
    You ticked: { $ticked-about }, { $ticked-how }, { $ticked-when }, { $ticked-who }, { $ticked-language }, { $ticked-gender }, { $role }, { $department }{ $nights ->
        [yes] , { ask-follow-up-nights }
       *[no] {""}
    }.
    We also hold who you are here, { data-others }. Type "hide" to take this away, or "forget me" and all of it goes now.{ $picked ->
        [yes] {" "}You left out { $left-out }.
       *[no] {""}
    }{ $named ->
        [yes] {" "}You left out these names:
       *[no] {""}
    }
door-felt-wrong =
    We're sorry. You can tell { $complaints }, who hears what felt wrong with a peer. We record nothing, and no one learns that you looked. { stay-safe }
data-stage-details = nobody was asked yet
data-stage-asking = colleagues are asked
data-stage-chosen = a colleague can talk, and you decide
data-stage-resting = nothing is asked until you say
data-stage-together = you and a colleague are in touch
data-stage-afterwards = your colleague has finished
data-stage-closed = closed

## Help that does not need us

numbers =
    You can reach these people without us, and we won't know.
    { $one-number ->
        [yes] { $crisis } for a crisis or an emergency.
       *[no] { $crisis } for a crisis. Emergency: { $emergency }.
    }
    { $lines }

reach-crisis = { $crisis-texts ->
    [yes] call or text { $crisis }
   *[no] call { $crisis }
}

emergency-too = { $one-number ->
    [yes] {""}
   *[no] {" "}Emergency: { $emergency }.
}

crisis =
    You matter, and you can talk to someone now. Please { reach-crisis }.{ emergency-too }
    Nobody is watching this chat, and we can't see where you are, so please call. We can ask for a peer too.
crisis-asking =
    You matter, and you can talk to someone now. Please { reach-crisis }.{ emergency-too }
    Nobody is watching this chat, and we can't see where you are, so please call. We can keep asking for a peer too.
crisis-somebody-there =
    You matter, and you can talk to someone now. Please { reach-crisis }.{ emergency-too }
    Nobody is watching this chat, and we can't see where you are, so please call. A peer is there for you too.
crisis-keep-asking =
    We keep asking for a peer. You can talk to someone now: please { reach-crisis }.{ emergency-too }
    Nobody is watching this chat, and we can't see where you are, so please call.

## Small answers

# For whoever types "worried", or presses it on a card that is over.
door-worried =
    If you can't stay safe, { reach-crisis } now.{ emergency-too }
    If you're worried about someone, call too, and stay with them if you can. Nobody is watching this chat.
    Would you like to talk with a trained colleague?
# For a peer who asks from an account that is linked to the one they are a peer with.
door-other-account =
    You said yes to a colleague with your other account. What you can do for them stands in the chat of that account.{ $on-call-there ->
        [yes] {" "}If you're worried, please phone the on-call person for peers: { $on-call }, { $on-call-phone }.
       *[no] {""}
    }
door-enough-today =
    You have asked for a peer today already, so we can't open another request just yet.
    You can reach people now at { $crisis }, or see other numbers below.
door-nothing-open =
    You have no open request to stop. If you walk with someone as a peer, hand back on that card. { stay-safe }
door-forgotten =
    Done. What we hold about a request of yours is being erased now. { $platform } may keep its own copies of messages.
    If you are a peer too, type "leave" to leave the roster.
# No release says this any more; one that was on its way when the program was replaced reads like the welcome.
door-hidden = { welcome }
settings =
    Are you a peer, and do you also use this in another workspace, or on another platform? Link the two, so that nobody offers you your own request.
    Make a code where you are a peer, and enter it where you are not. You can also leave it as it is.
link-form = Please enter the code that your other account shows. It counts for ten minutes, and once.
link-form-title = Link your accounts
link-checked = Thank you. If the code was right, your other account says so now.
door-see-chat = We wrote to you in our own chat, where only you and the bot are. Please go on there.
door-typed =
    If you can't stay safe, { reach-crisis } now. { nobody-told }{ $relay ->
        [yes] {" "}To send words to your peer, press Write.
       *[no] {""}
    }
nobody-told = Nobody was told, and we didn't keep what you typed, but { $platform } has it, and you can delete it there.
taken-away = This is no longer needed.
old-button = This was already answered. Nothing more is needed.
still-open = There is a newer message about this. Its buttons work.
noted = Thank you. This is noted.
being-updated = We are being updated just now, so this did not count. Please try again in a minute.
not-here = I only answer where nobody else reads. Please write to me in a chat of our own.
without-buttons = We can't show you buttons here just now. Type status to read where things stand, or help for everything else.
push = You have a message.
show-card = Show
push-offer = A colleague would like to talk.

## How a time is said

span-days = { $n ->
    [one] one day
   *[other] { $n } days
}
span-hours = { $n ->
    [one] one hour
   *[other] { $n } hours
}
when-tomorrow = tomorrow at { $time }
when-weekday = { $day } at { $time }

## People without a name

a-colleague = a colleague
link-to-chat = Open a private chat
link-another-workspace = { $person } is in another part of { $their-platform }; your hospital's directory has them.
link-elsewhere = { $person } is on { $their-platform }; your hospital's directory has them.
code-name-0 = Heron
code-name-1 = Willow
code-name-2 = Harbor
code-name-3 = Maple
code-name-4 = Lantern
code-name-5 = River
code-name-6 = Cedar
code-name-7 = Sparrow
code-name-8 = Meadow
code-name-9 = Juniper
code-name-10 = Pebble
code-name-11 = Finch
code-name-12 = Canyon
code-name-13 = Clover
code-name-14 = Birch
code-name-15 = Otter
code-name-16 = Amber
code-name-17 = Plover
code-name-18 = Aspen
code-name-19 = Summit
code-name-20 = Fern
code-name-21 = Robin
code-name-22 = Delta
code-name-23 = Hazel
peer-name-0 = Brook
peer-name-1 = Island
peer-name-2 = Thistle
peer-name-3 = Linden
peer-name-4 = Beacon
peer-name-5 = Coast
peer-name-6 = Poplar
peer-name-7 = Wren
peer-name-8 = Orchard
peer-name-9 = Laurel
peer-name-10 = Marble
peer-name-11 = Swift
peer-name-12 = Valley
peer-name-13 = Bramble
peer-name-14 = Rowan
peer-name-15 = Badger
peer-name-16 = Copper
peer-name-17 = Curlew
peer-name-18 = Hawthorn
peer-name-19 = Ridge
peer-name-20 = Moss
peer-name-21 = Linnet
peer-name-22 = Bay
peer-name-23 = Alder
door-nominate =
    { $problem ->
        [none] Pick someone else first. { "" }
        [many] That is more than you have left. { "" }
       *[no] {""}
    }{ $left ->
        [0] You have named three colleagues in a year, which is what one person can.
        [one] Whom would you trust to listen to a colleague? You can name one more this year.
       *[other] Whom would you trust to listen to a colleague? You can name up to { $left } this year.
    } Nobody is told who named them.
door-nominated = Thank you. A coordinator decides about an invitation. We don't tell anyone who named whom, and you won't read what became of it.
