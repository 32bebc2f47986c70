"""What people are told: codes and links they asked for, and notices of what happened to their account.

Each is written to the outbox with its cause, so that none leaves for something that was rolled back. A notice goes to a
proved address only and carries a link that secures the account; a code or link for an address goes to just that one.
"""

from datetime import datetime, timedelta
from math import ceil
from urllib.parse import urlsplit

from idp.domain.assurance import Factor
from idp.domain.client import Client
from idp.domain.event import EventKind
from idp.domain.message import Message
from idp.domain.secret import Digest, Digester, make_secret
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.domain.waiting import WaitingRequest
from idp.flows.devices import describe_agent
from idp.flows.visit import Visit
from idp.messages import email, sms
from idp.oauth.context import Context
from idp.policy import lifetimes
from idp.providers.geo.port import Places
from idp.storage.stores import Stores
from idp.templating import Templates

NOTICE_LIFE = timedelta(days=3)
SECURE, UNDO_EMAIL = "secure-account", "undo-email"
MOST_SIGN_IN_NOTICES = 3  # a day; changes and recovery are always told


class Notices:
    """Writes messages in the person's language."""

    def __init__(self, templates: Templates, digester: Digester, places: Places, *, brand: str, issuer: str) -> None:
        """Keep what every message shows; links begin with the issuer, whatever a request said (Host)."""
        self._templates = templates
        self._digester = digester
        self._places = places
        self._brand = brand
        self._issuer = issuer

    def url(self, path: str) -> str:
        """Return the URL of one of our pages."""
        return f"{self._issuer}/{path}"

    async def code(
        self,
        stores: Stores,
        user: User,
        factor: Factor,
        code: str,
        to: str,
        now: datetime,
        *,
        kind: str = "sign_in_code",
    ) -> None:
        """Send a code to where it is to prove something; a dead one is not sent."""
        if factor is Factor.SMS_OTP:
            host = urlsplit(self._issuer).hostname or ""
            message = sms.code_message(
                self._templates,
                to=to,
                locale=self.locale_of(user),
                code=code,
                sent_at=now,
                brand=self._brand,
                host=host,
            )
        else:
            minutes = int(lifetimes.ONE_TIME_CODE.total_seconds() // 60)
            message = self._mail(kind, to, self.locale_of(user), now, code=code, minutes=minutes)
        await stores.outbox.add(message, expires_at=now + lifetimes.ONE_TIME_CODE)

    async def mail(
        self, stores: Stores, kind: str, *, to: str, locale: str, now: datetime, life: timedelta,
        due_at: datetime | None = None, dedupe: Digest | None = None, **facts: object,
    ) -> Message:  # fmt: skip
        """Send a mail that somebody asked for to an address, proved or not; of several with one `dedupe` the first."""
        message = self._mail(kind, to, locale, now, **facts)
        await stores.outbox.add(message, expires_at=(due_at or now) + life, due_at=due_at, dedupe=dedupe)
        return message

    async def tell(
        self,
        stores: Stores,
        user: User,
        kind: str,
        now: datetime,
        *,
        to: str | None = None,
        once_a_day: bool = False,
        decision: str = "",
        life: timedelta = NOTICE_LIFE,
        **facts: object,
    ) -> None:
        """Tell a person what happened to their account, with a link that secures it; `decision` names what it was."""
        address = to or (user.email if user.email_verified else None)
        if address is None:
            return
        content = {"decision": decision} if decision else {}
        link = await self.link(
            stores, SECURE, now=now, life=lifetimes.SECURE_ACCOUNT_LINK, user_id=user.id, path="secure", spare=True,
            **content,
        )  # fmt: skip
        message = self._mail(kind, address, self.locale_of(user), now, secure_link=link, **facts)
        day = f"{user.id}|{kind}|{now.date().isoformat()}"
        dedupe = self._digester.digest("notice", day) if once_a_day else None
        await stores.outbox.add(message, expires_at=now + life, dedupe=dedupe)

    async def link(
        self, stores: Stores, purpose: str, *, now: datetime, life: timedelta, user_id: str | None, path: str,
        spare: bool = False, **content: str,
    ) -> str:  # fmt: skip
        """Return the URL of a new single-use link; older ones of its kind die unless they are spared."""
        secret = make_secret()
        await stores.links.add(
            self._digester.digest("link", secret), purpose=purpose, expires_at=now + life, now=now, user_id=user_id,
            content=content or None, spare=spare,
        )  # fmt: skip
        return self.url(f"{path}/{secret}")

    async def new_device(
        self, stores: Stores, user: User, visit: Visit, now: datetime, *, decision: str = ""
    ) -> None:  # fmt: skip
        """Tell a person of a sign-in from a browser that is new to their account; a few a day."""
        if await self._may_tell_of_sign_in(stores, user, now):
            place = self.place_of(visit.address, user)
            address = f"{visit.address} ({place})" if place else visit.address
            await self.tell(
                stores, user, "new_device", now, decision=decision, device=describe_agent(visit.user_agent),
                address=address,
            )  # fmt: skip

    async def attempt(
        self, stores: Stores, user: User, visit: Visit, now: datetime, *, kind: str, decision: str
    ) -> None:  # fmt: skip
        """Tell a person of an attempt that was unlike their usual sign-ins; a few a day, with those of new devices."""
        if await self._may_tell_of_sign_in(stores, user, now):
            await self.tell(
                stores, user, kind, now, decision=decision, device=describe_agent(visit.user_agent),
                place=self.place_of(visit.address, user),
                link=self.url(f"account/activity/{decision}/why"),
            )  # fmt: skip

    async def _may_tell_of_sign_in(self, stores: Stores, user: User, now: datetime) -> bool:
        if user.email is None or not user.email_verified:
            return False
        counter = self._digester.digest("notices", user.id)
        return await stores.attempts.add_in_window(counter, now, window=timedelta(days=1)) <= MOST_SIGN_IN_NOTICES

    async def attempts_blocked(self, stores: Stores, user: User, now: datetime) -> None:
        """Tell a person, once a day, that somebody with their password is guessing codes."""
        await self.tell(stores, user, "attempts_blocked", now, once_a_day=True)

    async def password_breached(self, stores: Stores, user: User, now: datetime) -> None:
        """Tell a person, once a day, that the password they use has leaked somewhere."""
        await self.tell(stores, user, "password_breached", now, once_a_day=True, link=self.url("account/password"))

    async def passkey_copied(self, context: Context, user: User, credential_id: str) -> None:
        """Note and tell that a passkey's counter did not grow (WebAuthn §7.2)."""
        await context.record(EventKind.PASSKEY_COPIED, user_id=user.id, credential=credential_id)
        credential = await context.stores.credentials.find(user.id, credential_id)
        if credential is not None:
            await self.tell(context.stores, user, "passkey_copied", context.now, name=credential.name)

    async def address_replaced(self, stores: Stores, user: User, new: str, now: datetime) -> None:
        """Tell the old address of an account that another took its place, with the link that undoes it."""
        undo = await self.link(
            stores, UNDO_EMAIL, now=now, life=lifetimes.UNDO_EMAIL_CHANGE, user_id=user.id, path="email/undo",
            spare=True, old=user.email or "", new=new,
        )  # fmt: skip
        await self.tell(
            stores, user, "email_changed", now, to=user.email, new_email=new, link=undo,
            days=lifetimes.UNDO_EMAIL_CHANGE.days,
        )  # fmt: skip

    async def recovery_code_used(self, context: Context, user: User) -> None:
        """Note and tell that a recovery code was used, and how many are left."""
        remaining = await context.stores.recovery_codes.count(user.id)
        await context.record(EventKind.RECOVERY_CODE_USED, user_id=user.id, remaining=remaining)
        await self.tell(context.stores, user, "recovery_code_used", context.now, remaining=remaining)

    async def refresh_token_reused(self, context: Context, client: Client, grant: Grant, user: User) -> None:
        """Tell a person that a refresh token was used twice (RFC 9700 §4.14.2)."""
        await self.tell(context.stores, user, "refresh_token_reused", context.now, client_name=client.name)

    async def ciba_request(self, context: Context, client: Client, user: User, asked: WaitingRequest) -> None:
        """Tell a person that an application asks them something, with the way to answer (CIBA §7)."""
        approval = asked.request.approves
        assert approval is not None
        await self.tell(
            context.stores, user, "ciba_request", context.now, life=asked.expires_at - context.now,
            client_name=client.name, message=approval.message or "",
            link=self.url(f"ciba/approve/{asked.id}"),
            minutes=ceil((asked.expires_at - context.now).total_seconds() / 60),
        )  # fmt: skip

    def _mail(self, kind: str, to: str, locale: str, now: datetime, **facts: object) -> Message:
        return email.compose(self._templates, kind, to=to, locale=locale, sent_at=now, brand=self._brand, **facts)

    def place_of(self, address: str, reader: User) -> str:
        """Return where an address is, coarsely, in the reader's language; empty when it is not known."""
        return self._places.name(address, locale=self.locale_of(reader))

    def locale_of(self, user: User) -> str:
        """Return the language in which a person is written to."""
        locale = user.claims.get("locale")
        return self._templates.pick_locale(locale if isinstance(locale, str) else None, None)
