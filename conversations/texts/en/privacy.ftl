### Who can read what. One sentence each; the README, docs/privacy.md and the playground show them, the bot's own cards refer to some.
### Which reason stands where is the table in conversations/privacy.py. Rules: plain, at most 120 characters, true of the running code.

## What the bot's cards and the table both say

hospital-sees = Your hospital can see messages in { $platform }
hospital-can = can read { $platform } messages
passed-on = What you write is passed on and not kept by us.
coordinator-hears = A coordinator hears that someone is waiting, without your name.

profile-read-by = Whoever you help reads your role, and your name when you meet by name; coordinators also your department.

## Readers

reader-clinician = The clinician
reader-peer = The peer who said yes
reader-other-peers = Other peers who were asked
reader-coordinator = Coordinators
reader-database = IT with the database
reader-export = A Slack or Teams export

## Things

group-the-door = At the door
group-asking = Asking
group-together = Somebody said yes
group-afterwards = Afterwards
group-volunteering = Being a peer
group-kept = What is kept

thing-welcome = The first card, privacy, phone numbers
thing-door = Small answers at the door
thing-crisis = The card for someone who is not safe
thing-refusal = The answer to an old or a stranger's button
thing-lock-screen = What a lock screen shows
thing-typed = What somebody types to the bot
thing-details = The card of details, before anything is ticked
thing-held = What we hold about a request, as its clinician reads it
thing-ticked = What the clinician ticked, role and department
thing-left-out = Whom the clinician left out
thing-status = How the search stands
thing-offer = The offer, under a code name
thing-declined = Who said no
thing-neutral = "This no longer needs you"
thing-waiting = That someone is waiting
thing-unreached = That someone who asked cannot be reached
thing-said-yes = What becomes of a yes
thing-chosen = Who said yes: role, and since when a peer
thing-unnamed = Who asked, until they share their name
thing-shared-name = Who asked, once they shared their name
thing-peer-name = The peer's name
thing-relay = That the two write through the bot, unnamed
thing-pen = The field to write in
thing-line = A line written through the bot
thing-sent = Whether a line was passed on
thing-meeting = When the two talk
thing-lawsuit = That it is about a complaint or lawsuit
thing-guide = How to listen
thing-talked = Whether the two have talked, asked of the peer
thing-connected = Whether the two have talked, asked of the clinician
thing-worried = "I'm worried", and whom to call
thing-page = The call to the person on call
thing-check-in = A check-in
thing-answer = The answer to a check-in
thing-talk-again = "I'd like to talk again"
thing-closed = That the request is closed, and when it is erased
thing-how-are-you = "How are you?" to the peer, and their answer
thing-taken-away = A card that was taken away
thing-nomination = Naming a colleague as a peer
thing-invitation = Whom coordinators invite
thing-invited = An invitation to become a peer
thing-profile = What a peer told about themselves
thing-pledge = The promise peers make
thing-approval = An offer to be a peer, to be approved
thing-training = Until when a peer's training counts
thing-standing = How a peer stands: paused, ready, leaving
thing-accounts = Linking two accounts of a peer
thing-code-form = The field for the code that links accounts
thing-record = The record of a request
thing-numbers = The report: sums of a year, by no day and no person
thing-audit = What coordinators did, by day; not whom it was about
thing-footprint = Size and last change of the store's file

## Why they can

why-same = The same words for everybody. They say nothing about anyone.
why-whoever-looks = Whoever sees the phone reads one neutral line, unless a peer chose a fuller one.
why-to-them = It is said to them.
why-theirs = It is theirs: about them, or from them.
why-own-offer = Each reads how soon and how, and a code name nobody else is given.
why-own-answer = Each reads the answer to their own no, and no other.
why-neutral = Everyone who is no longer needed reads this same line, whatever the reason.
why-who-is-there = So that they can choose. The name is shown here only if the peer wished so.
why-meet-by-name = Once the two meet by name, or sooner if the peer chose so.
why-shared = By the clinician's own tap, and not before.
why-wrote = Only these two. { passed-on }
why-lawsuit = Both are told to ask a lawyer first, so the peer knows what it is about.
why-again = It is passed on to the peer they know.
why-nobody-named = That somebody asked; of one who waits also how soon they asked for it. No name is given.
why-to-approve = Name, role and department, so that they can say yes or talk first.
why-to-invite = Who was named, or whom they invite themselves. By whom is not kept.
why-in-sums = Sums of a year that is over. What would tell of a few is not said, and is destroyed.
why-to-renew = They record it, and are asked again when it runs out.
why-message = { hospital-sees }, also those we took away.
why-card = { hospital-sees }: cards stay in mailboxes, also those we took away.
why-typed-message = What is typed in the chat is a Slack message. The command itself is not.
why-typed-mailbox = Every word to the bot, commands too, is kept in the writer's Teams mailbox.
why-whose-chat = An export shows whose chat with the bot it is.
why-prefilled = The card to change it shows what was ticked before.
why-sometimes = Mostly the answer to a press; now and then a message that Teams keeps.
why-window-or-card = Mostly a window, which is not a message; after the typed word "code" a card in the chat.
why-its-size = That something was written, and when. Not what, and not by whom.

## Why they cannot

why-not-to-them = It is not shown to them.
why-not-passed = It is passed to nobody else.
why-how-and-when = Used to find the right colleague. Only how and when to talk is passed on, and that a lawyer comes first.
why-how-only = Used to find the right colleague. The offer says only how, and how soon.
why-to-nobody = Shown to nobody. People who are left out never hear of it.
why-only-number = They read how many were asked, and never who.
why-no-noes = A no is shown to nobody, and gone with the request.
why-told-of-it = { coordinator-hears }
why-nothing-more = They may hear that someone is waiting, or can no longer be reached. Nothing shows them more of a request.
why-offer-only = They know an offer and a code name, later the neutral line, and nothing more.
why-code-name = They know a code name, and what the offer said.
why-on-call-only = Only the person on call is told, with the peer's name and not the clinician's.
why-only-again = Only "I'd like to talk again" is passed on.
why-taken-away = It is off the screen, as far as the platform lets us.
why-role-at-most = Only role, since when and how they like to talk; the name once both meet by name or the peer chose so.
why-not-by-whom = They read who was named, and not by whom. We keep only the days, so that no one names more than three a year.
why-sent-not-read = They know whom they invited. Whether they declined is not shown.
why-not-all = They read name, role and department, and not the rest.
why-what-it-holds = Not as such. Typing "data" says what it holds, and "forget me" destroys it.
why-sealed = Sealed. It opens for whoever has the root key too, or controls the running server, until it is erased.
why-until-there = Sealed until it is delivered, and then destroyed. Who controls the running server could read it.
why-until-sent = Nothing of it is kept until it is sent.
why-not-kept = We do not keep it.
why-with-a-press = It comes with a press, and no message shows it.
why-passed-on = It comes with a press. A message shows only what is passed on.
why-fleeting = Slack shows it to one person and keeps no message.
why-window = A window in Slack is not a message.
why-not-there = It never enters the chat.
why-relay-off = Writing through the bot is switched off here.
why-nobody-on-call = Nobody is on call here, so nobody can be called.
why-nobody-coordinates = Nobody coordinates here.
