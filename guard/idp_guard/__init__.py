"""Guards the endpoints of an API: who calls, for whom, how strongly and how recently that person signed in."""

from idp_guard.errors import Challenge
from idp_guard.guard import Guard
from idp_guard.token import Token

__all__ = ["Challenge", "Guard", "Token"]
