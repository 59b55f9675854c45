"""The key ring: unlocked at start, rotated daily, rewrapped under a new root key, and given up where it is lost."""
