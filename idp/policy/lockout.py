"""How failures slow an account or a network down."""

from datetime import timedelta

PASSWORD_FREE_FAILURES = 4
PASSWORD_STOP = 100
PASSWORD_MEMORY = timedelta(days=30)
NETWORK_FAILURES = 50
NETWORK_WINDOW = timedelta(hours=1)
NETWORK_ACCOUNTS = 20
NETWORK_ACCOUNTS_WINDOW = timedelta(hours=3)
PUSHES = 600  # of one client that nobody vouches for, from one address
PUSHES_WINDOW = timedelta(minutes=1)
RANDOM_TOKENS = 60
RANDOM_TOKENS_WINDOW = timedelta(minutes=1)
# Wrong codes per account and kind of factor, over all sessions (RFC 4226 §7.3).
CODE_LIMITS = (
    (5, timedelta(minutes=5)),
    (20, timedelta(hours=1)),
    (50, timedelta(days=1)),
)
# Wrong user codes of device authorizations (RFC 8628 §5.1): by one session, one account and one network.
USER_CODES_OF_SESSION = (10, timedelta(minutes=10))
USER_CODES_OF_ACCOUNT = (20, timedelta(hours=1))
USER_CODES_OF_NETWORK = (50, timedelta(hours=1))
DEVICE_REQUESTS = 60  # begun by one network
DEVICE_REQUESTS_WINDOW = timedelta(minutes=1)
CIBA_REQUESTS = 3  # that wait for one person at once
SPRAYED_ACCOUNTS = 10  # tried by one network within three hours
REGISTRATIONS = 20  # of clients, by one network or initial access token; and changes of one client
REGISTRATIONS_WINDOW = timedelta(hours=1)
DOCUMENTS = 60  # that describe clients, fetched because one network asked
DOCUMENTS_WINDOW = timedelta(hours=1)
CLIENT_REFUSALS_TOLD = 20  # refusals in the name of one client that leave a row each, within an hour
CLIENT_REFUSALS_WINDOW = timedelta(hours=1)
API_READING = 600  # calls of the administrators' API, by one client for one person, in a minute
API_WRITING = 120
API_WINDOW = timedelta(minutes=1)
SIGN_UPS = 20
SIGN_UPS_WINDOW = timedelta(hours=1)
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)
_UNTIL_RESET = timedelta(days=36500)  # only a reset clears the counter before


def password_wait(failures: int) -> timedelta:
    """Return how long to wait after that many failures in a row.

    Nothing before the fifth, then 30 s doubling to 15 min; from the hundredth on the password is off
    until it is reset (NIST SP 800-63B-4 §3.2.2).
    """
    if failures <= PASSWORD_FREE_FAILURES:
        return timedelta()
    if failures >= PASSWORD_STOP:
        return _UNTIL_RESET
    return min(_FIRST_WAIT * (1 << min(failures - PASSWORD_FREE_FAILURES - 1, 10)), _LONGEST_WAIT)


PASSWORD_WAITS = tuple(password_wait(failures) for failures in range(PASSWORD_STOP + 1))
