"""Puts together who judges passwords, from the options; the part of wiring that commands need without a database."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from idp.factors.breached import BreachedPasswords, DamagedFilter
from idp.factors.password_judge import PasswordJudge
from idp.factors.password_range import RangeService
from idp.providers.fetch.guarded import GuardedFetch
from idp.settings import BadSettings, Settings


def brand_name(settings: Settings) -> str:
    """Return what the pages call this product."""
    return settings.brand_name or urlsplit(settings.issuer).netloc


def guarded_fetch(settings: Settings) -> GuardedFetch:
    """Return the way out for URLs; raise BadSettings if the operator's roots cannot be read."""
    try:
        return GuardedFetch(allow=frozenset(settings.outbound_allow), ca_file=settings.outbound_ca_file)
    except OSError as error:
        fault = f"IDP_OUTBOUND_CA_FILE: {settings.outbound_ca_file}: {error.strerror or error}"
        raise BadSettings([fault]) from error


def password_judge(
    settings: Settings, *, approved_words: Callable[[], Awaitable[tuple[str, ...]]] | None = None
) -> PasswordJudge:
    """Return who judges passwords; raise BadSettings if one of its files cannot be used.

    `approved_words` are those that people approved; a command without a database has none.
    """
    fetch, path = guarded_fetch(settings), settings.breached_passwords_file
    try:
        breached = BreachedPasswords(path) if path is not None else None
    except (OSError, DamagedFilter) as error:
        raise BadSettings(
            [f"IDP_BREACHED_PASSWORDS_FILE: {path}: {getattr(error, 'strerror', None) or error}"]
        ) from error
    url = settings.password_range_url
    return PasswordJudge(
        surroundings=(brand_name(settings), urlsplit(settings.issuer).hostname or "", *settings.password_words),
        approved_words=approved_words,
        breached=breached,
        service=RangeService(fetch, url) if url is not None else None,
        queue=settings.hash_queue,
    )
