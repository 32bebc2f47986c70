"""How many accounts have what: counts over all people, never a list of any."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from idp.domain.assurance import Factor
from idp.domain.user import UserStatus
from idp.storage.credentials import credentials
from idp.storage.database import Transaction
from idp.storage.recovery_codes import recovery_codes
from idp.storage.risk_profiles import risk_profiles
from idp.storage.users import users

DORMANT_AFTER = timedelta(days=90)
PEOPLE = "people"


class FleetStore:
    """The counts of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def counts(self, now: datetime) -> Mapping[str, int]:
        """Return how many active people there are (`people`), and how many of them each cell holds."""
        cells = _cells(now)
        columns = [func.coalesce(func.sum(case((cell, 1), else_=0)), 0).label(name) for name, cell in cells.items()]
        query = select(func.count().label(PEOPLE), *columns).where(users.c.status == UserStatus.ACTIVE.value)
        row = (await self._connection.execute(query)).first()
        assert row is not None, "an aggregate has a row"
        return {name: int(getattr(row, name)) for name in (PEOPLE, *cells)}


def _cells(now: datetime) -> Mapping[str, ColumnElement[bool]]:
    """Return what puts an account into each cell."""
    has_second = _has(Factor.TOTP, Factor.WEBAUTHN, Factor.SMS_OTP)
    has_codes = exists().where(recovery_codes.c.user_id == users.c.id, recovery_codes.c.spent_at.is_(None))
    seen = exists().where(risk_profiles.c.user_id == users.c.id, risk_profiles.c.updated_at >= now - DORMANT_AFTER)
    return {
        "no_second_factor": ~has_second,
        "only_sms": and_(_has(Factor.SMS_OTP), ~_has(Factor.TOTP, Factor.WEBAUTHN)),
        "no_passkey": ~_has(Factor.WEBAUTHN),
        "no_recovery_codes": and_(has_second, ~has_codes),
        "address_unverified": and_(users.c.email_digest.is_not(None), users.c.email_verified.is_(False)),
        "dormant": and_(~seen, users.c.created_at < now - DORMANT_AFTER),
    }


def _has(*factors: Factor) -> ColumnElement[bool]:
    return exists().where(
        credentials.c.user_id == users.c.id,
        credentials.c.is_active.is_(True),
        or_(*(credentials.c.factor == factor.value for factor in factors)),
    )
