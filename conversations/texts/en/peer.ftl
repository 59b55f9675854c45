### What a peer, a volunteer, a coordinator and the on-call person read. Owned by the peer support lead.

## An offer

peer-offer =
    A colleague would like to talk. { $urgency ->
        [soon] Soon, if you can
        [today] Some time today
       *[no-rush] No rush
    } · { $how ->
        [call] a call
        [in-person] in person
        [here] here, unnamed
       *[any] any way that suits
    }. Their name here is { $alias }. You don't need to know more yet. Can you take this?
peer-said-yes = Thank you. We'll tell you by { $by } whether you're needed.
peer-not-this-time = That's fine. Thank you for telling us. Nobody is told.
peer-not-today = That's fine. We won't ask you again until tomorrow.
peer-full = Thank you. You already walk with as many colleagues as you chose to, so we'll ask someone else.
peer-handed-back = That's fine. We'll ask someone else. Thank you for being there.{ last-numbers }
peer-silent = Nothing is needed from you for this one now. Thank you.{ last-numbers }
neutral = This one is taken care of. Thank you for offering.{ last-numbers }

## Together

peer-together =
    { $clinician } would like to talk with you. Please write to them { $when ->
        [before-shift] before a shift
        [break] at a break
        [after-shift] after a shift
       *[any-time] when you can, soon
    }. They'd like { $how ->
        [call] a call
        [in-person] to meet
        [here] to write
       *[any] whatever suits you both
    }. The bot is not in that chat.
peer-apart =
    { $clinician } would like to talk with you.{ $relay-open ->
        [yes] {" "}You can write to each other here.
       *[no] {""}
    } They'd like { $how ->
        [call] a call
        [in-person] to meet
        [here] to write
       *[any] whatever suits you both
    }, { $when ->
        [before-shift] before a shift
        [break] at a break
        [after-shift] after a shift
       *[any-time] soon
    }. Your hospital { hospital-can }.
peer-relay =
    You can write with { $alias } here. They know you as a peer, by a code name. { passed-on }
    Your hospital { hospital-can }. No patient details. A call is more private.
peer-relay-shared =
    You can write with { $alias } here. They know your name. { passed-on }
    No patient details: your hospital { hospital-can }. A call is more private.
peer-relay-named =
    { $clinician } shared their name with you. You can go on writing here, or talk elsewhere.
    Your hospital { hospital-can }. No patient details. A call is more private.
peer-guide =
    Listen first. Feelings, not the facts of what happened. No notes, and no advice unless asked.
    You don't have to carry this alone: hand back at any time. If you're worried about safety{ $on-call-there ->
        [yes] , press I'm worried, or
       *[no] :
    } { reach-crisis }{ $one-number ->
        [yes] .
       *[no] , emergency { $emergency }.
    }
peer-unsafe =
    If you or your colleague can't stay safe, { reach-crisis } now.{ emergency-too }
    Nobody is watching this chat.{ $sent ->
        [no] {""}
       *[yes] {" "}Your line went to your colleague, and nothing else was said to them.
    }
peer-talked = Have you and { $alias } talked? A short hello is enough.
peer-talked-named = Have you and { $clinician } talked? A short hello is enough.
peer-thanks = Thank you for being there.
peer-not-yet = That's fine. We'll ask once more later. You can also hand back at any time.
peer-talk-again = { $alias } would like to talk again. Please write to them when you can.
peer-talk-again-named = { $clinician } would like to talk again. Please write to them when you can.
peer-worried =
    Thank you for saying so. Call the on-call person now: { $on-call }, { $on-call-phone }. If someone is in danger: { $emergency }.
    Stay with them if you can. We told { $on-call } your name, and nothing about your colleague.
peer-worried-phone =
    Thank you for saying so. Nobody is told in this chat, so please phone the person on call now: { $on-call }, { $on-call-phone }.
    If someone is in danger: { $emergency }. Stay with them if you can.
peer-worried-on-call =
    Thank you for saying so. You are the person on call, so nobody else is told. If someone is in danger: { $emergency }.
    Stay with them if you can. You can also { reach-crisis }.
peer-phone-now = Nobody has answered in chat yet. Please phone now: { $on-call-phone }. If someone is in danger: { $emergency }.
peer-on-call-coming = { $on-call } has seen this and will write to you. If you can't wait, phone { $on-call-phone } or { $emergency }.
on-call-page = { $peer }, a peer, is worried about someone and needs you now. Please write or call them.
on-call-thanks = Thank you. The peer knows that you are there.

## Afterwards

peer-after = Thank you for listening. How are you?{ last-numbers }
peer-after-long = Thank you for listening. How are you? We ask nothing new of you until { $rests-until }, unless you're ready before.{ last-numbers }
peer-after-ready = Thank you. We'll ask you again, in your hours.{ last-numbers }
peer-after-door =
    Thank you for listening. If you would like to talk yourself, or like a break, the door is open.
    If you're worried about them or yourself, { reach-crisis }.{ emergency-too }
peer-after-okay = Thank you. Take care of yourself.{ last-numbers }
peer-after-break = Take the time you need. We won't ask you for a week. Type "resume" when you like to be asked again.{ last-numbers }
peer-after-talk = Of course. We've opened the same door for you, just below.{ last-numbers }

# Stays on a peer's last card for three days.
last-numbers = { $numbers ->
    [yes] {" "}If you're worried about them or yourself, { reach-crisis }.{ emergency-too }
   *[no] {""}
}

## Offering to be a peer

volunteer-profile =
    Thank you for offering. This helps us ask you for what suits you, and not too often.
    Your hours are counted in { $zone }. You can change it or leave at any time. { profile-read-by }
volunteer-invited =
    A coordinator of { $name } would like you to be a peer: a trained colleague who listens when someone has a hard time.
    It is your choice, and nobody sees a no. { numbers-at-hand }
volunteer-change =
    This is what we know of you as a peer. Your hours are counted in { $zone }. { profile-read-by }
volunteer-pledge =
    I promise: what a colleague tells me stays with me. I take no notes. I listen first and give no advice unless asked.
    Limits: { privacy-limits } If I am worried about someone's safety, I say so at once.
volunteer-waiting = Thank you. A coordinator will read this and answer you here. You can leave at any time.
volunteer-talk-first = A coordinator would like to talk with you first. You can write to them, or wait until they do. { numbers-at-hand }
volunteer-ready =
    You are a peer. We'll ask you only in your hours, and for at most { $limit ->
        [one] one colleague
       *[other] { $limit } colleagues
    } at once. You can say no without a reason, pause, or leave. { numbers-at-hand }
volunteer-resting = You're resting until { $until }: we ask nothing new of you before, unless you're ready. Nobody else is told. { numbers-at-hand }
volunteer-removed =
    A coordinator took you off the list of peers, so we ask you for nothing new.{ $walks ->
        [yes] {" "}If you already talk with a colleague, you can go on.
       *[no] {""}
    } What we hold about you as a peer is erased within the hour. Thank you for being there. { numbers-at-hand }
volunteer-paused = You are paused until you say. Nobody is told. Thank you for looking after yourself. { numbers-at-hand }
volunteer-paused-until = You are paused until { $until }. Nobody is told. Thank you for looking after yourself. { numbers-at-hand }
# For a peer who is worried about a colleague or themselves, whoever is on call.
numbers-at-hand = In danger, { reach-crisis }.{ emergency-too }
volunteer-code =
    Your code is { $code }. Where you also are, type "code" to me and enter it. It counts for ten minutes.
    Please show it to nobody, or leave it and nothing changes.
volunteer-linked = Your two accounts are linked. A request from either is never offered to you.
volunteer-worried = The on-call person for peers: { $on-call }, { $on-call-phone }. If you're worried, please phone now. This message tells no one.
volunteer-pause = For how long would you like a break? { numbers-at-hand }
volunteer-duty = For how long may we ask you first? We ask you then, whatever your hours say. { numbers-at-hand }
volunteer-on-duty =
    Until { $until } we ask you first: you, and at most one other colleague, before anyone else. You can still say no without a reason.
    { numbers-at-hand }
volunteer-shifts =
    When may we ask you? Hours are counted in { $zone }. If you choose any, we ask only on the days you set.
    If you choose none, the hours on your profile count.
volunteer-not-yet = You are not a peer yet. If you'd like to be one, type "peer".
volunteer-elsewhere = You are a peer with your other account. Please type this in the chat of that account.
volunteer-not-now = That's fine. The door stays open.
volunteer-declined =
    Thank you for offering. The coordinator thinks that another role fits better just now. This says nothing about your care for colleagues.
    What you told us is erased within the hour.
volunteer-unanswered = Nobody has answered your offer, and we are sorry. What you told us is erased within the hour. You can offer again any time.
volunteer-renewed = Your training counts until { $until }. We'll ask you again in your hours. You can say no without a reason, pause, or leave. { numbers-at-hand }
volunteer-not-renewed =
    Your training was not renewed, so you have left the roster. You can talk with the coordinator about it, and offer again any time.
    What we hold about you as a peer is erased within the hour. Thank you for being there.
volunteer-left = You have left the roster. What we hold about you as a peer is erased within the hour. Thank you for being there.
volunteer-training-ends = Your training counts until { $until }. Please speak with a coordinator about a refresher.
volunteer-training-ended = Your training has run out, so we ask you for nothing new. Please speak with a coordinator about a refresher. You can leave at any time. { numbers-at-hand }

## Coordinators

coordinator-waiting =
    Someone is waiting for a peer ({ $urgency ->
        [soon] they asked for soon
        [today] they asked for today
       *[no-rush] no rush
    }), and nobody has said yes so far. No name is given to you, and none is needed.
coordinator-queue = { $total ->
    [0] Of those who asked before { $hour }, nobody is waiting for a peer.
   *[other]
        Of those who asked before { $hour }, { $total ->
            [one] one is
           *[other] { $total } are
        } waiting for a peer: up to an hour { $up-to-1 }, up to 4 hours { $up-to-4 }, up to a day { $up-to-24 }, longer { $longer }.
    } No name is given to you. What you can do something about stands below.
coordinator-remove =
    { $again ->
        [yes] Pick someone first. { ""}
       *[no] {""}
    }Who should be asked no more? Offers to them end at once, no reason is kept, and their record is gone within the hour.
    Whoever they walk with is asked if they'd like someone else. For peers on another platform, ask a coordinator there.
coordinator-report =
    { $ready ->
        [one] One peer can be asked
       *[other] { $ready } peers can be asked
    } in their hours, { $paused } paused, { $over } whose training ended. { $year ->
        [none] Of requests we say nothing before a year is over.
       *[other] { $requests ->
            [few] In { $year } there were fewer than { $least } requests: more would tell of a few.
           *[other] In { $year } there were { $requests } requests{ $in-time ->
                [not-said] {""}
               *[other] , { $in-time } answered in time
            }{ $after-hours ->
                [not-said] {""}
               *[other] , { $after-hours } after hours
            }{ $escalated ->
                [not-said] {""}
               *[other] , { $escalated } told to a coordinator
            }.
        }
    }
coordinator-enrol =
    { $problem ->
        [lines] Nobody was invited yet. { $broken ->
            [one] One line holds
           *[other] { $broken } lines hold
        } no account, or more than one: { $lines }. { "" }
        [none] Pick someone first. { "" }
        [many] At most { $most } at once, please. { "" }
       *[no] {""}
    }Who should be invited to become a peer? Each decides in private, and makes their own promise.
    If you say when they were trained, they need no further yes from you.
coordinator-enrolled =
    { $people ->
        [one] One invitation goes
       *[other] { $people } invitations go
    } out, in waking hours. Who is a peer already reads nothing. An invitation stands for 14 days; who declines is not shown.
coordinator-nominated = A colleague named { $volunteer } as someone they would trust to listen. By whom is not kept. Shall we invite them? They read nothing before your answer.
coordinator-not-invited = No invitation goes out, and nothing is kept of the name.
coordinator-invited = We invite them. They decide in private.
coordinator-removed = Whoever of them was a peer reads so, and is asked for nothing new. They can write to you.
coordinator-peers =
    { $ready ->
        [one] One peer can be asked
       *[other] { $ready } peers can be asked
    } in their hours, { $paused } paused.{ $soon ->
        [0] {""}
       *[other] {" "}Training ends within 60 days: { $soon-names }.
    }{ $over ->
        [0] {""}
       *[other] {" "}Training has run out, so we ask nothing new of: { $over-names }.
    }{ $more ->
        [0] {""}
       *[other] {" "}And { $more } more.
    }
coordinator-asked-again = Everyone who is free has been asked again. Thank you.
coordinator-if-it-fits = Thank you. If it fits, you'll hear.
coordinator-settled = This one is taken care of. Thank you for offering.
coordinator-cannot-reach =
    Someone asked for support, and we can no longer reach them here. No name is given to you. Their request was closed.
coordinator-cannot-show =
    Someone waits for support, and a message to them could not be shown. No name is given to you. Their request stays open. Please ask your IT to look into it.
coordinator-approve =
    { $volunteer } offers to be a peer ({ $role }, { $department }) and has made the promise. When were they trained?
coordinator-approve-empty =
    { $volunteer } offers to be a peer ({ $role }, { $department }) and has made the promise.
    Their profile is empty: requests from their own department could reach them. You may want to talk first.
    When were they trained?
coordinator-approve-when =
    Nothing is approved yet. Please choose when { $volunteer } was trained, then press Approve.{ $empty ->
        [yes] {" "}Their profile is empty.
       *[no] {""}
    }
coordinator-renew =
    { $volunteer } is a peer ({ $role }, { $department }). Their training has run out, so we ask them for nothing new.{ $empty ->
        [yes] {" "}Their profile is empty: requests from their own department could reach them.
       *[no] {""}
    } When was their last refresher?
coordinator-talk-first = They know that you would like to talk first. When you have, you can answer here.
coordinator-approved = Approved. Thank you.
coordinator-declined = Declined. They have been told kindly.
