"""Which factors a person can use at this moment, and whether their browser is remembered."""

from datetime import datetime

from idp.domain.assurance import Factor
from idp.domain.secret import Digest, Digester
from idp.domain.user import User
from idp.flows.visit import Visit
from idp.oauth.context import Engine
from idp.policy.step_up import SECOND_FACTORS, Facts, Rules
from idp.storage.stores import Stores


async def facts_of(stores: Stores, engine: Engine, visit: Visit, user: User, now: datetime) -> Facts:
    """Return the facts that decide what a person is asked."""
    enrolled = set(await stores.credentials.factors_of(user.id)) - {Factor.PASSWORD}
    if not engine.rules.sends_sms:
        enrolled.discard(Factor.SMS_OTP)
    if engine.rules.sends_mail and user.email is not None and user.email_verified:
        enrolled.add(Factor.EMAIL_OTP)
    if not enrolled & SECOND_FACTORS:
        return Facts(frozenset(enrolled))
    if await stores.recovery_codes.count(user.id):
        enrolled.add(Factor.RECOVERY_CODE)
    keys = await keys_of(stores, engine.rules, user.id) if Factor.WEBAUTHN in enrolled else Facts()
    is_remembered = engine.rules.remembers_browsers and await stores.remembered_browsers.recognise(
        user.id, browser_digest(engine.digester, visit, user.id), now
    )
    return Facts(frozenset(enrolled), is_remembered, keys.has_bound_key, keys.only_revoked)


async def keys_of(stores: Stores, rules: Rules, user_id: str) -> Facts:
    """Return what a person's passkeys could show; they are not looked at where that makes no difference."""
    if not rules.attests and not rules.revoked:
        return Facts()
    keys = await stores.credentials.of_user(user_id, Factor.WEBAUTHN)
    trusted = [key for key in keys if key.text("aaguid") not in rules.revoked]
    has_bound_key = rules.attests and any(
        key.content.get("attested") and not key.content.get("eligible") for key in trusted
    )
    return Facts(has_bound_key=has_bound_key, only_revoked=bool(keys) and not trusted)


def browser_digest(digester: Digester, visit: Visit, user_id: str) -> Digest:
    """Return what is stored of a remembered browser: its own cookie, for this person only."""
    return digester.digest("remembered_browser", f"{visit.browser}|{user_id}")
