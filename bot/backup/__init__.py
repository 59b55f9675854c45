"""Whole-store operations: create and verify a backup, restore it, and transfer a store to another one."""
