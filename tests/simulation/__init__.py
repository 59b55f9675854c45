"""Whole years of a hospital in virtual time: one seed decides everything that happens and everything that breaks.

Why it is not in the wheel: docs/decisions/simulation.md.
"""
