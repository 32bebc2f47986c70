"""Notices to people about what happened to their account: written to the outbox with their cause."""

from datetime import timedelta

from idp.domain.client import Client
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.messages import email
from idp.oauth.context import Context
from idp.templating import Templates

NOTICE_LIFE = timedelta(days=3)


class Notices:
    """Writes notices in the person's language."""

    def __init__(self, templates: Templates, *, brand: str, account_url: str) -> None:
        """Keep what every notice shows."""
        self._templates = templates
        self._brand = brand
        self._account_url = account_url

    async def refresh_token_reused(self, context: Context, client: Client, grant: Grant, user: User) -> None:
        """Tell a person that a refresh token was used twice (RFC 9700 §4.14.2); only a proved address gets mail."""
        if user.email is None or not user.email_verified:
            return
        locale = user.claims.get("locale")
        message = email.refresh_token_reused(
            self._templates,
            to=user.email,
            locale=self._templates.pick_locale(locale if isinstance(locale, str) else None, None),
            client_name=client.name,
            sent_at=context.now,
            brand=self._brand,
            account_url=self._account_url,
        )
        await context.stores.outbox.add(message, expires_at=context.now + NOTICE_LIFE)
