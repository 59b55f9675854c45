"""One module for each change, oldest first by its number.

`db upgrade` comes first, then the replicas one by one: so older ones go on working on what it made, and may restart.
`works_for` says how old they may be: the oldest schema whose programmes find there all that they use. What only adds
(a table, a column with a default, an index) says what the one before it said.
"""
