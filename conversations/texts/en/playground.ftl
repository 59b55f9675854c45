### The playground: a page on which the whole programme can be tried out by one person. Nobody real ever reads it.
### Plain sentences without arguments: the page puts names and numbers beside them.

page-title = Peer support, to try out
page-about = See how a clinician is brought together with a trained colleague, in a pretend hospital that never leaves this computer.
page-skip = Go to the chats
page-more = More
page-people = People
page-messages = Messages
page-views = Messages and Home
page-home = Home
page-home-empty = The Home page comes here.
page-new = new
page-close = Close
page-cancel = Cancel
page-copy = Copy
page-copy-all = Copy all
page-copied = Copied.
page-copy-by-hand = Your browser keeps the clipboard to itself. Please copy this by hand.
page-copy-chat = Copy as .chat
page-lost = The playground has stopped. Start it again with: make demo
page-full = This playground is open in five other tabs, and your browser keeps no more lines open to it. Close one, and this tab goes on by itself.
page-not-now = That did not go through. Please try again.

## Theme and language

page-theme = Theme
page-theme-auto = As the computer
page-theme-light = Light
page-theme-dark = Dark
page-language = Language

## Starting over

page-reset = Start over
page-reset-sure = Start over? Everybody's chats and all that happened so far are cleared.
page-keep-going = Keep going

## People and their chats

page-part-clinician = Clinician
page-part-peer = Peer
page-part-coordinator = Coordinator
page-part-on-call = On call
page-skin = Chats in
page-slack = Slack
page-teams = Teams
page-first = Start here. Type this below, or press it:
page-quiet = Nothing yet. It stays quiet here until somebody is needed.
page-write = Write to the bot
page-write-slack = Type /peersupport
page-write-teams = Type peersupport
page-send = Send
page-bot = Peer support
page-edited = (edited)
page-only-you = Only visible to you
page-dismiss = Dismiss
page-who-can-read = Who can read this?
page-link = This opens a private chat. The bot is not in it.
page-optional = (optional)
page-choose = Choose
page-not-drawn = Not drawn here:

## The clock

page-clock = Clock
page-push-10m = +10 min
page-push-1h = +1 h
page-push-24h = +24 h
page-push-72h = +72 h
page-next = Next due
page-next-none = Nothing is due
page-coming = Coming up

## Behind the chats

page-behind = Behind the chats
page-tab-lens = Who can read
page-tab-stored = Stored
page-tab-stories = Stories
page-tab-faults = Faults
page-tab-inspector = Inspector

page-lens = Who can read
page-lens-about = Press "Who can read this?" under any message, or pick a row below.
page-lens-room = The whole room
page-lens-room-about = Everything the programme makes, and everybody who might look.
page-lens-thing = What
page-lens-here = here now
page-lens-push = A lock screen shows only:
page-can = can read it
page-cannot = cannot

page-stored = What is stored
page-stored-about = Every column below is sealed once more in the file. What is sealed in a row opens only with the key of this run.
page-disk-about = The file on the disk at this moment, byte for byte. What was forgotten is gone from it within a minute of the clock.
page-held = What the programme holds of it
page-stored-none = Nothing is stored.
page-stored-peers = Nothing is stored about anybody who asked. What is left is about those who offered to be peers, and that an event was seen.
page-stored-all = show all

page-inspector = Inspector
page-inspector-about = What came in, what was decided, and what went out, in order.
page-trace-none = Nothing has happened yet.
page-step-event = event
page-step-decision = decision
page-step-message = message
page-step-call = call
page-step-time = time

page-stories = Stories
page-stories-about = The dialogues this programme is tested by. Opening one starts over and plays it in these chats.
page-story-lines = Lines of the story
page-story-step = Step
page-story-play = Play
page-story-stop = Stop
page-line-done = done
page-line-next = next
page-line-later = later
page-line-failed = differs

page-faults = Faults
page-faults-about = What can go wrong between the bot and the world. Nothing said may be lost, whatever you choose.
page-fault-none = Works as it should
page-fault-slow = Answers slowly
page-fault-busy = Too busy (429)
page-fault-down = Does not answer
page-twice = Deliver each press twice
page-restart = Restart the bot
page-restart-about = The bot forgets everything it has not written down, and goes on from what it has.

## What cannot be done, and why

page-refused-deed = This playground does not know what the page asked for. Please load the page again.
page-refused-token = This page belongs to another run. Please load it again.
page-refused-over = The playground is stopping.
page-refused-stumbled = The playground stumbled. Please start over.
page-refused-empty = There is nothing to send yet.
page-refused-nobody = There is nobody of that name here.
page-refused-gone = That is not there any more.
page-refused-home = Teams has no Home tab.
page-refused-nothing-due = Nothing is due.
page-refused-story = Please open a story first.
page-refused-inputs = What was filled in does not belong to that card.
page-refused-not-taken = The bot did not take this in. A person would see a small warning, and try again.
