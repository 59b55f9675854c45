### Asking for support: what the clinician reads. Owned by the peer support lead.
### Say "talk", never "therapy". Never ask what happened. Never promise an outcome.

# Stands on every card that may be read alone.
stay-safe = If you can't stay safe, { reach-crisis }.

## Before anyone is asked: a short card first, the questions only for those who want them

support-ask =
    We can ask trained colleagues now. Nobody is told who you are.
    If you like, choose first how to talk and whom to ask. If you can't stay safe, { reach-crisis } now.
support-ask-later =
    No colleague is in their hours just now; the first try is { $next }. You can { reach-crisis } now.
    Nobody is told who you are. If you like, choose first how to talk and whom to ask.
support-ask-nobody =
    No trained colleague can be asked just now. You can ask all the same, or { reach-crisis } now.
    Nobody is told who you are.
support-details =
    Everything here is optional, and most people leave it as it is. Nobody is told who you are.
    Tell us your department and we won't ask anyone from it. Please leave out patient details.
    If you can't stay safe, { reach-crisis } now.
support-details-later =
    No colleague is in their hours just now; the first try is { $next }. You can { reach-crisis } now.
    Everything here is optional. Nobody is told who you are. Tell us your department and we won't ask anyone from it.
support-details-nobody =
    No trained colleague can be asked just now. You can ask all the same, or { reach-crisis } now.
    Everything here is optional. Nobody is told who you are.
support-change =
    This is what you chose, and nobody else reads it. What you change counts from now on.
    Anyone you left out stays left out; you can add more.
    If you can't stay safe, { reach-crisis } now.
# While a colleague is there: whom to ask is no question then.
support-change-some =
    A colleague has said yes to you, so this is what you can change now. It counts from now on.
    To change whom we ask, press Someone else first. If you can't stay safe, { reach-crisis } now.
support-left-out =
    We'll leave out everyone whose directory name fits. A nickname may not be found.{ $too-many ->
        [yes] {" "}We took the first { $most } names.
       *[no] {""}
    }
support-any-time = That's fine. Nobody was asked, and this is erased within a day. The door stays open.

## Asking

# Said where those who would hear that someone waits cannot be reached.
no-coordinator = We keep looking, but no coordinator can be told just now.

support-asking =
    Thank you for asking. We've asked { $asked ->
        [one] one colleague
       *[other] { $asked } colleagues
    }. They haven't been told who you are. You'll hear by { $by } either way. Or { reach-crisis } at any time.
support-none-free =
    Thank you for asking. No one is free yet; the next try is { $next }.
    You'll hear by { $by } either way. Or { reach-crisis } at any time.
support-nobody-now =
    Thank you for asking. No colleague can be asked just now.{ $coordinator ->
        [yes] {" "}{ coordinator-hears }
        [soon] {" "}We'll try to tell a coordinator, without your name.
        [gone] {" "}{ no-coordinator }
       *[no] {" "}We keep looking.
    } You'll hear by { $by } either way. Or { reach-crisis } at any time.
support-nobody-can =
    Nobody can take this right now. { $coordinator ->
        [yes] A coordinator has been told that someone is waiting.
        [gone] { no-coordinator }
       *[no] We keep looking.
    }{ $again ->
        [yes] {" "}The next try is { $next }.
       *[no] {""}
    }
    You'll hear by { $by } either way. Or { reach-crisis } at any time.
support-nobody-yet =
    No one is free yet. That says nothing about you. The next try is { $next }.
    You can also reach { $crisis }, or see other numbers by typing "numbers".
support-still-open =
    No one has said yes so far. That says nothing about you. Those we asked can still say yes, and you'll hear at once.
    You can also reach { $crisis }, or see other numbers by typing "numbers".
support-nobody-found =
    We have not found a colleague. That says nothing about you. We keep looking{ $coordinator ->
        [yes] , and a coordinator knows that someone is waiting.
        [gone] , but no coordinator can be told just now.
       *[no] .
    }
    You can reach { $crisis } now, or see other numbers by typing "numbers".
support-looking-again =
    Your colleague can't be there after all. That says nothing about you. { $asked ->
        [0] No one else can be asked just now, but we keep looking.
       *[other] We're asking others now.
    }
    You'll hear by { $by } either way. Or { reach-crisis } at any time.

support-looking-on =
    We haven't heard that you two have talked, so { $asked ->
        [0] we keep looking, but no one else can be asked just now.
       *[other] we're asking other colleagues now.
    } That says nothing about you.
    You'll hear by { $by } either way. Or { reach-crisis } at any time.

## Somebody said yes

support-chosen =
    A trained peer can talk with you{ $role-given ->
        [yes] : { $role }, a peer since { $since }.
       *[no] , a peer since { $since }.
    }
    You're still unnamed. Share your name only if and when you like. { stay-safe }
support-chosen-named =
    { $peer } is a trained peer{ $role-given ->
        [yes] {" "}({ $role }, since { $since })
       *[no] {" "}(since { $since })
    } and can talk with you.
    You're still unnamed. Share your name only if and when you like. { stay-safe }
support-chosen-coordinator =
    Someone from the peer support programme itself can talk with you.
    You're still unnamed. Share your name only if and when you like. { stay-safe }
support-resting = No tap needed now. This is still here when you are. { stay-safe }

## Together

support-together =
    { $peer } knows your name and would be glad to talk. Open a private chat, or wait: we've asked them to write to you soon.
    The bot is not in that chat. Please leave out patient details. { stay-safe }
support-apart =
    { $peer } knows your name and would be glad to talk.{ $relay-open ->
        [yes] {" "}You can write to each other here.
       *[no] {""}
    }{ $way ->
        [call] {" "}They like a call.
        [in-person] {" "}They like to meet.
       *[any] {""}
    }
    No patient details: your hospital { hospital-can }. { stay-safe }
support-relay =
    Unnamed to your peer, not to your hospital: it { hospital-can }.
    Your peer is called { $peer-alias } here. { passed-on }
    No patient details; a call is more private. { stay-safe }
support-relay-shared =
    Your peer knows your name now. They are called { $peer-alias } here. { passed-on }
    No patient details: your hospital { hospital-can }. { stay-safe }
support-relay-named =
    { $peer } shared their name with you. You're still unnamed to them, not to your hospital: it { hospital-can }.
    { passed-on } No patient details. { stay-safe }
relay-form = What you write here is passed on to your colleague and not kept by us. No patient details, please.
relay-form-title = Write
relay-line = { $alias } writes:
# The clinician's, with the line first, so that it is not read as the peer's own words.
relay-line-of-peer =
    { stay-safe }
    { $peer-alias } writes:
relay-line-named = { $to-clinician ->
    [yes]
        { stay-safe }
        { $writer } writes:
   *[no] { $writer } writes:
}
relay-sent = On its way. You can write again, or just wait. { stay-safe }
relay-not-passed-on = We could not pass this on: you two no longer write here. What you wrote was not kept. { stay-safe }
support-connected = Have you two connected? If not yet, you can wait, or we ask someone else. { stay-safe }
support-unanswered = Your colleague hasn't answered yet. Keep waiting? You can also ask for someone else, or { reach-crisis }.
support-connected-yes = Good to know. We won't ask again. You can write to us any time.
support-waiting-on = That's fine. { $again ->
        [yes] We'll ask once more later.
       *[no] We won't ask again.
    } You can ask for someone else at any time.
support-finished = Your colleague has finished for now. { as-planned }
support-finished-named = { $peer } has finished for now. { as-planned }
as-planned = { $checks-in ->
    [no] {""}
   *[yes] We still check in with you as planned.{" "}
}You can ask for someone at any time. { stay-safe }
relay-undelivered = Your last line could not be delivered, and we did not keep it. { stay-safe }
lawsuit =
    Talk about how you are, not the facts. What is said to a peer may not be legally protected. Ask your lawyer first.

## Checking in

check-in-yesterday = Checking in with you. How are things since yesterday? { stay-safe }
check-in-now = Checking in with you. How are things now? { stay-safe }
check-in-few-days =
    A few days on. Some people feel better, some feel it more; both are ordinary. Would anything help? { stay-safe }
check-in-month =
    It has been about a month. How are things now? You can talk with a colleague again at any time.{ $last ->
        [yes] {" "}We won't check in after this.
       *[no] {""}
    } { stay-safe }
check-in-nobody-yet =
    Checking in with you. We have not found a colleague for you yet, and we are sorry. How are things? { stay-safe }
check-in-still-looking =
    Checking in with you. We're still looking for another colleague, and we're sorry it takes so long. How are things? { stay-safe }
check-in-peer-silent =
    Checking in with you. We haven't heard from your colleague, and we're sorry if nobody has written. How are things? { stay-safe }
check-in-thanks = Thank you for telling us. We're here if that changes.
check-in-no-more = No more check-ins will come. You can still write to us any time.
check-in-told-peer = We told your peer that you'd like to talk again. Would you rather talk with another colleague?
check-in-asking = We're on it: you'll read here who can talk with you.
check-in-thirty-days = We'll check in once more after thirty days. For that we keep your request until { $until }, and then erase it.
support-or-else = Would you like to talk with someone else? You can also go on with your colleague as you do now. { stay-safe }
support-as-it-is = That's fine. Nothing changes. { stay-safe }
check-in-when = When should we ask again? You can write to us at any time before. { stay-safe }
check-in-postponed = We'll ask again { $next }. You can write to us at any time before. { stay-safe }
more-help =
    Sometimes more than a peer helps. { $more-lines ->
        [yes]
            Here are people outside your chain of command:
            { $lines }
            We don't contact them; that is up to you.
       *[no] You can reach { $crisis } at any time. We don't contact anyone; that is up to you.
    }

## Letting go

together-times =
    { $again ->
        [yes] Please pick one, two or three. { "" }
       *[no] {""}
    }When could you talk? Your colleague picks one of these times. { numbers-at-hand }
together-offered = We've asked your colleague which of these times fits. You'll read it here. { numbers-at-hand }
together-which =
    Your colleague could talk: { $number ->
        [1] { $first-time }
        [2] { $first-time }, or { $second-time }
       *[3] { $first-time }, { $second-time }, or { $third-time }
    }. Which of these fits? { numbers-at-hand }
together-no-time = That's fine. Your colleague reads that another time is needed. { numbers-at-hand }
together-none-fits = These times do not fit. You can name others, or write to each other. { numbers-at-hand }
together-past = That time has passed. You can name others. { numbers-at-hand }
together-agreed = You two have a time to talk: { $at }. We remind you both then. { numbers-at-hand }
together-now = It's the time you two chose to talk. { numbers-at-hand }
support-closed =
    We've closed this. What our system holds about it is erased by { $erased }.
    { $platform } may keep these messages under your hospital's rules. { stay-safe } Take care.
