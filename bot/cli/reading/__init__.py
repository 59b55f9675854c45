"""Commands that read a snapshot of the store and print what it tells; `serve` may go on meanwhile."""
