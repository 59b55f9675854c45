"""Microsoft Teams: cards become Adaptive Cards, activities become presses, and a thin shell stands at the door.

The only package that imports botbuilder.
"""

from adapters.teams.door import Door
from adapters.teams.teams import RATES, Teams

__all__ = ["RATES", "Door", "Teams"]
