"""How long anything lives. Defaults of the protocol; each is at most what the security rules allow."""

from datetime import UTC, datetime, timedelta

from idp.domain.client import TokenFormat

CODE = timedelta(seconds=60)
PUSHED_REQUEST = timedelta(seconds=60)
REQUEST_OBJECT = timedelta(minutes=60)  # at most
DPOP_PROOF = timedelta(seconds=60)
DPOP_NONCE = timedelta(minutes=5)
CLIENT_TEST = timedelta(minutes=10)
UPSTREAM_REQUEST = timedelta(minutes=10)  # for which somebody may be away at another provider
UPSTREAM_ARRIVAL = timedelta(minutes=10)  # in which they say what is to become of who they are there
DEVICE_CODE = timedelta(minutes=10)
CIBA_REQUEST = timedelta(minutes=5)
CIBA_LONGEST = timedelta(minutes=10)  # that a client may ask for
POLL_SECONDS = 5  # between two polls of a client that waits for an answer given elsewhere
ANSWER_FETCHED = timedelta(seconds=60)  # what was allowed in the last moment can be fetched for this long
INTERACTION = timedelta(minutes=30)
ID_TOKEN = timedelta(minutes=10)
SIGNED_RESPONSE = timedelta(seconds=60)
FRONT_CHANNEL_TOKEN = timedelta(minutes=5)
ACCESS_TOKEN = {TokenFormat.JWT: timedelta(minutes=5), TokenFormat.OPAQUE: timedelta(minutes=15)}
BEARER_ASSERTION = timedelta(minutes=5)  # of an issuer that operators trust, from its end backwards
LONGEST_ACCESS_TOKEN = timedelta(minutes=60)  # that a resource server may ask for
REFRESH_IDLE = timedelta(days=14)
REFRESH_ABSOLUTE = timedelta(days=90)
REFRESH_GRACE_CONFIDENTIAL = timedelta(seconds=60)
REFRESH_GRACE_PUBLIC = timedelta(seconds=10)
SESSION_ABSOLUTE = timedelta(days=30)
SESSION_IDLE = timedelta(days=30)
SESSION_AAL1 = (SESSION_ABSOLUTE, SESSION_IDLE)
SESSION_AAL2 = (timedelta(hours=24), timedelta(hours=1))
SESSION_ADMINISTRATOR = (timedelta(hours=12), timedelta(minutes=15))
SESSION_TOUCH = timedelta(minutes=5)  # a session in use is noted at most this often
SESSIONS_PER_USER = 20
INTERACTIONS_PER_BROWSER = 20
KNOWN_DEVICE = timedelta(days=365)
KNOWN_DEVICE_BUDGET = timedelta(days=30)  # for which it has a counter of failed guesses of its own
ADMINISTRATOR_LINK = timedelta(hours=1)
REAUTHENTICATION = timedelta(minutes=5)
SHOWN_ONCE = timedelta(minutes=5)
ONE_TIME_CODE = timedelta(minutes=5)
ONE_TIME_CODE_TRIES = 5
RESENDS = 5
RESENDS_WINDOW = timedelta(hours=1)
WEBAUTHN_CHALLENGE = timedelta(minutes=5)
REMEMBERED_BROWSER = timedelta(days=30)
REMEMBERED_BROWSERS = 10
LOGOUT_TOKEN = timedelta(minutes=2)
RESET_LINK = timedelta(minutes=30)
ADDRESS_VERIFICATION = timedelta(hours=24)
INVITATION = timedelta(hours=72)
SECURE_ACCOUNT_LINK = timedelta(hours=24)
UNDO_EMAIL_CHANGE = timedelta(days=7)
LOST_FACTOR_LINK = timedelta(hours=24)
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
KEY_AHEAD = timedelta(hours=24)  # a key is published this long before its first signature
KEY_ACTIVE = timedelta(days=90)
# A retired key stays published until the longest token it may have signed has ended.
KEY_RETIRED_PUBLISHED = max(ID_TOKEN, LONGEST_ACCESS_TOKEN) + timedelta(minutes=10)
KEY_RETIRED_HINTS = timedelta(days=365)  # and is kept in private this long, to check id_token_hint
UNUSED_REGISTRATION = timedelta(days=30)
UNUSED_DOCUMENT = timedelta(days=1)  # of a client without any grant, since it was last fetched
SECRET_OVERLAP = timedelta(hours=24)
SKEW_AHEAD = timedelta(seconds=30)  # iat and nbf of others may be this far in the future
SKEW_PAST = timedelta(seconds=60)  # exp of others may be this far in the past


def refresh_grace(*, is_confidential: bool) -> timedelta:
    """Return how long the direct predecessor of the current refresh token is still answered."""
    return REFRESH_GRACE_CONFIDENTIAL if is_confidential else REFRESH_GRACE_PUBLIC
