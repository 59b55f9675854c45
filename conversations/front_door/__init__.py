"""The front door: whatever anyone types or taps, at any stage, is met with a kind answer.

Each visitor has a record of their own, apart from any request: it knows which request is theirs, so that two taps open
one. A day after they last came by, what we answered here leaves their chat, but for the welcome; an hour later the
record is forgotten. Forgotten first, it would leave cards that no word of theirs could take away.
"""
