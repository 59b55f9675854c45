"""The programme's settings: declared once, read from the environment, `.env` and secret files, checked as a whole."""

from bot.config.loading import load, load_to_serve
from bot.config.settings import DEFAULTS, MASK, NAMES, SECRETS, Refused, Settings

__all__ = ["DEFAULTS", "MASK", "NAMES", "SECRETS", "Refused", "Settings", "load", "load_to_serve"]
