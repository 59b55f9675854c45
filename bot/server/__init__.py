"""The composition root: settings become a running programme with HTTP routes, and it is taken down again."""
