"""Two who are together: what each reads, how they write, whether they have talked, and how they part."""
