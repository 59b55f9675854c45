"""One module for each migration, in the order of their numbers.

`peersupport db upgrade` runs first and the replicas are replaced one by one afterwards. So replicas of older releases
go on working on the new schema meanwhile, and may restart. Each migration says as `works_for` how old they may be: the
oldest schema number whose releases find everything there that they use. A migration that only adds something (a table,
a column with a default, an index) repeats the number of the migration before it.
"""
