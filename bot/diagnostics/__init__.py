"""`peersupport doctor`: read-only checks of an installation."""
