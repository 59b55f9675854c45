# What time will do next, as the playground names it: one line for each deadline of each conversation.

coming-support-wave = We look for more colleagues to ask
coming-support-half = The coordinator hears that someone is waiting
coming-support-escalate = The next coordinator hears that someone is waiting
coming-support-target = The clinician hears how things stand
coming-support-choose = The peer who said yes is released
coming-support-check-in = We check in with the clinician
coming-support-talked = The peer, then the clinician, is asked whether they have talked
coming-support-meet = The two are reminded of the time they chose
coming-support-last-card = The numbers leave the peer's last card
coming-support-page = The peer is told to phone
coming-support-give-up = The unsent questions are let go
coming-support-close = The request is closed
coming-support-crisis = The crisis card leaves the chat
coming-support-tidy = What the request had shown leaves every chat
coming-support-forget = Everything about the request is destroyed
coming-volunteering-give-up = The unsent offer is let go
coming-volunteering-remind = The coordinator is reminded of an offer
coming-volunteering-forget = What a former peer told us is destroyed
coming-volunteering-resume = A peer's pause is over
coming-volunteering-off-duty = A peer is no longer asked first
coming-volunteering-expiring = A peer is reminded of their training
coming-volunteering-expired = A peer's training has expired
coming-volunteering-tidy = What a peer no longer needs is tidied away
coming-doorstep-go = We forget who was at the door
coming-message = A message is tried again
coming-volunteering-code = A code for the other account runs out
