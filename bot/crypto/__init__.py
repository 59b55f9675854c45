"""Encryption: keys derived from the root key, sealed records, button tokens, and files that are sealed or durable."""
