### Asking for support: what the clinician reads. Owned by the peer support lead.
### Say "talk", never "therapy". Never ask what happened. Never promise an outcome.

## Details: everything is optional

support-details =
    Everything here is optional, and most people leave it as it is. It only helps us find the right colleague.
    Nobody is told who you are. To leave out your department, tell us which it is. Please leave out patient details.
support-details-later =
    No colleague is in their hours just now; the first try is { $next }. You can { reach-crisis } now.
    Everything here is optional. Nobody is told who you are. To leave out your department, tell us which it is.
support-details-nobody =
    No trained colleague can be asked just now. You can ask all the same, or { reach-crisis } now.
    Everything here is optional. Nobody is told who you are.
support-any-time = That's fine. Nobody was asked, and this is erased within the hour. The door stays open.

## Asking

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
       *[no] {" "}We keep looking.
    } You'll hear by { $by } either way. Or { reach-crisis } at any time.
support-nobody-yet =
    No one is free yet. That says nothing about you. The next try is { $next }.
    You can also reach { $crisis }, or see other numbers by typing "numbers".
support-still-open =
    No one has said yes so far. That says nothing about you. Those we asked can still say yes, and you'll hear at once.
    You can also reach { $crisis }, or see other numbers by typing "numbers".
support-nobody-found =
    We have not found a colleague. That says nothing about you. We keep looking{ $coordinator ->
        [yes] , and a coordinator knows that someone is waiting.
       *[no] .
    }
    You can reach { $crisis } now, or see other numbers by typing "numbers".
support-looking-again =
    Your colleague can't be there after all. That says nothing about you. We're asking others now.
    You'll hear by { $by } either way. Or { reach-crisis } at any time.

## Somebody said yes

support-chosen =
    A trained peer can talk with you{ $role-given ->
        [yes] : { $role }, a peer since { $since }.
       *[no] , a peer since { $since }.
    }
    You're still unnamed. Share your name only if and when you like.
support-chosen-named =
    { $peer } is a trained peer{ $role-given ->
        [yes] {" "}({ $role }, since { $since })
       *[no] {" "}(since { $since })
    } and can talk with you.
    You're still unnamed. Share your name only if and when you like.
support-chosen-coordinator =
    Someone from the peer support programme itself can talk with you.
    You're still unnamed. Share your name only if and when you like.
support-resting = No tap needed now. This is still here when you are.

## Together

support-together =
    { $peer } knows your name and would be glad to talk. Open a private chat, or wait: they will write to you.
    The bot is not in that chat. Please leave out patient details. A call is more private.
support-apart =
    { $peer } knows your name and would be glad to talk.{ $relay-open ->
        [yes] {" "}You can write to each other here.
       *[no] {""}
    }{ $way ->
        [call] {" "}They like a call.
        [in-person] {" "}They like to meet.
       *[any] {""}
    }
    No patient details: your hospital { hospital-can }.
support-relay =
    Unnamed to your peer, not to your hospital: it { hospital-can }.
    Your peer is called { $peer-alias } here. { passed-on }
    No patient details. A call is more private.
support-relay-shared =
    Your peer knows your name now. They are called { $peer-alias } here. { passed-on }
    No patient details: your hospital { hospital-can }. A call is more private.
support-relay-named =
    { $peer } shared their name with you. You're still unnamed to them, not to your hospital: it { hospital-can }.
    { passed-on } No patient details. A call is more private.
relay-form = What you write here is passed on to the other one and not kept by us. No patient details, please.
relay-form-title = Write
relay-line = { $alias } writes:
relay-line-of-peer = { $peer-alias } writes:
relay-line-named = { $writer } writes:
relay-sent = On its way. You can write again, or just wait.
relay-not-passed-on = We could not pass this on: you two no longer write here. What you wrote was not kept.
relay-undelivered = Your last line could not be delivered, and we did not keep it.
lawsuit =
    Talk about how you are, not the facts. What is said to a peer may not be legally protected. Ask your lawyer first.

## Checking in

check-in-yesterday = Checking in with you. How are things since yesterday?
check-in-now = Checking in with you. How are things now?
check-in-few-days =
    A few days on. Some people feel better, some feel it more; both are ordinary. Would anything help?
check-in-nobody-yet =
    Checking in with you. We have not found a colleague for you yet, and we are sorry. You can reach { $crisis } at any time. How are things?
check-in-thanks = Thank you for telling us. We're here if that changes.
check-in-no-more = No more check-ins will come. You can still write to us any time.
check-in-told-peer = We told your peer that you'd like to talk again. Would you rather talk with another colleague?
check-in-asking = We're on it: you'll read here who can talk with you.
check-in-thirty-days = We'll check in once more after thirty days. For that we keep your request until { $until }, and then erase it.
more-help =
    Sometimes more than a peer helps. Here are people outside your chain of command:
    { $lines }
    We don't contact them; that is up to you.

## Letting go

support-closed =
    We've closed this. What our system holds about it is erased by { $erased }.
    { $platform } may keep these messages under your hospital's rules. You can reach { $crisis } at any time. Take care.
