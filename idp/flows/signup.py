"""Making an account: nothing of it exists before its address is proved, so nobody can take one in advance.

Whoever begins gets the same pages whether the address has an account or not; only its owner reads which. A link that is
opened in another browser makes the account with a password chosen there: what the beginner typed counts for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.domain.assurance import Factor, Proof
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import equal, make_user_id
from idp.domain.upstream import NewAccounts
from idp.domain.user import BadIdentifier, Role, User, UserStatus, plain_email
from idp.factors.one_time_code import OneTimeCodes
from idp.flows import throttle
from idp.flows.authorization import Standing, browser_digest
from idp.flows.links import link_digest
from idp.flows.new_password import Accepted, NewPassword
from idp.flows.notices import Notices
from idp.flows.sign_in import Proceeded, SignIn
from idp.flows.upstream_links import UpstreamLinks
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy import lifetimes, lockout
from idp.storage.signups import Signup
from idp.storage.users import IdentifierTaken

PURPOSE, INVITATION = "signup", "invitation"
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed who wants an account."""

    email: str
    name: str
    locale: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to: an account for this address; `is_same_browser` if it was begun here."""

    email: str
    name: str
    interaction_id: str
    is_same_browser: bool


class SignUp:
    """Makes accounts for people who ask for one."""

    def __init__(
        self, codes: OneTimeCodes, new_password: NewPassword, sign_in: SignIn, notices: Notices, links: UpstreamLinks
    ) -> None:
        """Keep what the steps need."""
        self.links = links
        self._codes = codes
        self.new_password = new_password
        self._sign_in = sign_in
        self._notices = notices

    def check(self, wish: Wish) -> str | Refused:
        """Return the address as it is kept, or why it cannot be one."""
        if not wish.email.strip() or not wish.name.strip():
            return Refused(Refusal.MISSING_FIELDS)
        try:
            return plain_email(wish.email)
        except BadIdentifier:
            return Refused(Refusal.EMAIL_INVALID)

    async def start(
        self, context: Context, visit: Visit, standing: Standing, wish: Wish, email: str, accepted: Accepted | None
    ) -> Refused | None:
        """Keep what was typed and send a code and a link to the address; to one that has an account, a hint.

        Without a password the account begins with the identity at another provider that waits in this interaction.
        """
        stores, now, interaction_id = context.stores, context.now, standing.interaction.id
        network = context.engine.digester.digest("sign_ups", throttle.network_of(visit.address))
        begun = await stores.attempts.add_in_window(network, now, window=lockout.SIGN_UPS_WINDOW)
        if context.engine.limits_floods and begun > lockout.SIGN_UPS:
            return Refused(Refusal.THROTTLED, lockout.SIGN_UPS_WINDOW)
        taken = await stores.users.find_by_name(email)
        content: dict[str, Json] = {
            "email": email, "name": wish.name.strip()[:LONGEST_NAME], "locale": wish.locale,
            "hash": accepted.hash if accepted is not None else None, "taken": taken is not None,
        }  # fmt: skip
        expires_at = now + lifetimes.ADDRESS_VERIFICATION
        signup = Signup(interaction_id, browser_digest(context.engine.digester, visit), content, expires_at)
        if not await stores.signups.put(signup, now):
            return Refused(Refusal.FORM_EXPIRED)
        await context.record(EventKind.SIGN_UP_STARTED)
        return await self._send(context, interaction_id, email, wish.locale, taken)

    async def resend(self, context: Context, standing: Standing) -> Refused | None:
        """Send code and link once more."""
        signup = await context.stores.signups.find(standing.interaction.id, context.now)
        if signup is None:
            return Refused(Refusal.FORM_EXPIRED)
        email = signup.text("email") or ""
        taken = await context.stores.users.find_by_name(email)
        return await self._send(context, signup.id, email, signup.text("locale") or "en", taken)

    async def _send(
        self, context: Context, interaction_id: str, email: str, locale: str, taken: User | None
    ) -> Refused | None:
        stores, now = context.stores, context.now
        made = await self._codes.make(
            stores, binding=interaction_id, purpose=PURPOSE, user_id=None, destination=email, now=now
        )
        if isinstance(made, Refused):
            return made
        link = await self._notices.link(
            stores, PURPOSE, now=now, life=lifetimes.ADDRESS_VERIFICATION, user_id=None, path="signup/confirm",
            spare=True, interaction=interaction_id, email=email,
        )  # fmt: skip
        if taken is not None:
            await self._notices.mail(
                stores, "address_taken", to=taken.email or email, locale=locale, now=now,
                life=lifetimes.ADDRESS_VERIFICATION, link=self._notices.url("account/forgot"),
            )  # fmt: skip
            return None
        await self._notices.mail(
            stores, "verify_address", to=email, locale=locale, now=now, life=lifetimes.ADDRESS_VERIFICATION,
            code=made.code, link=link,
        )  # fmt: skip
        return None

    async def waiting(self, context: Context, standing: Standing) -> Signup | None:
        """Return the sign-up that waits for its code in this interaction."""
        return await context.stores.signups.find(standing.interaction.id, context.now)

    async def confirm(self, context: Context, visit: Visit, standing: Standing, answer: str) -> Proceeded | Refused:
        """Take the code: the account comes to be, and its owner is signed in."""
        stores, now = context.stores, context.now
        signup = await stores.signups.find(standing.interaction.id, now)
        if signup is None:
            return Refused(Refusal.FORM_EXPIRED)
        sent = await self._codes.check(stores, binding=signup.id, purpose=PURPOSE, answer=answer, now=now)
        if isinstance(sent, Refused):
            return sent
        if sent.destination != signup.text("email") or signup.content.get("taken"):
            return Refused(Refusal.CODE_WRONG)
        return await self._finish(context, visit, standing, signup)

    async def _finish(self, context: Context, visit: Visit, standing: Standing, signup: Signup) -> Proceeded | Refused:
        if not await context.stores.signups.complete(signup.id, context.now):
            return Refused(Refusal.FORM_EXPIRED)
        email, name, hash_ = signup.text("email") or "", signup.text("name") or "", signup.text("hash")
        if hash_ is None:
            return await self._finish_from_elsewhere(context, visit, standing, signup)
        user = await self.make(context, email, {"name": name}, signup.text("locale"), Accepted(hash_))
        if isinstance(user, Refused):
            return user
        proofs = Proof(Factor.PASSWORD, context.now), Proof(Factor.EMAIL_OTP, context.now)
        return await self._sign_in.record(context, visit, standing, user, *proofs)

    async def _finish_from_elsewhere(
        self, context: Context, visit: Visit, standing: Standing, signup: Signup
    ) -> Proceeded | Refused:
        """Make an account for an identity at another provider, whose owner has just proved an address here."""
        arrival = await context.stores.upstream_requests.settle(standing.interaction.id, context.now)
        upstream = await context.stores.upstreams.find(arrival.upstream_id) if arrival is not None else None
        if arrival is None or upstream is None or not upstream.is_active:
            return Refused(Refusal.FORM_EXPIRED)
        if upstream.creates_accounts is not NewAccounts.ON:  # they came back from another one since they began
            return Refused(Refusal.FORM_EXPIRED)
        claims = {"name": signup.text("name") or "", **arrival.claims}
        user = await self.make(context, signup.text("email") or "", claims, signup.text("locale"), None)
        if isinstance(user, Refused):
            return user
        proof = await self.links.begin(context, user, upstream, arrival)
        if isinstance(proof, Refused):
            return proof
        return await self._sign_in.record(
            context, visit, standing, user, proof, Proof(Factor.EMAIL_OTP, context.now)
        )  # fmt: skip

    async def make(
        self, context: Context, email: str, claims: Mapping[str, Json], locale: str | None, accepted: Accepted | None
    ) -> User | Refused:
        """Make an account with an address that was proved; without a password there is another way in."""
        stores, now = context.stores, context.now
        told = {**({"locale": locale} if locale else {}), **claims}
        user = User(make_user_id(), UserStatus.ACTIVE, Role.USER, email, True, None, told, now, now)
        try:
            await stores.users.add(user)
        except IdentifierTaken:
            return Refused(Refusal.EMAIL_TAKEN)
        if accepted is not None:
            await self.new_password.store(stores, user.id, accepted, now)
        await context.record(EventKind.SIGNED_UP, user_id=user.id)
        await context.record(EventKind.ADDRESS_VERIFIED, user_id=user.id)
        return user

    async def look(self, context: Context, visit: Visit, secret: str, purpose: str) -> Opened | None:
        """Return what an open link leads to; nothing is spent by looking."""
        link = await context.stores.links.look(link_digest(context, secret), purpose=purpose, now=context.now)
        if link is None:
            return None
        signup = await context.stores.signups.find(link.text("interaction"), context.now)
        is_same = signup is not None and equal(signup.browser, browser_digest(context.engine.digester, visit))
        is_same = is_same and signup is not None and signup.text("email") == link.text("email")
        return Opened(link.text("email"), link.text("name"), link.text("interaction"), is_same)

    async def by_link_here(
        self, context: Context, visit: Visit, standing: Standing, secret: str
    ) -> Proceeded | Refused:
        """Spend a link in the browser where the sign-up was begun: what was typed there counts."""
        link = await context.stores.links.take(link_digest(context, secret), purpose=PURPOSE, now=context.now)
        signup = await context.stores.signups.find(standing.interaction.id, context.now)
        if link is None or signup is None or signup.text("email") != link.text("email") or signup.content.get("taken"):
            return Refused(Refusal.LINK_SPENT)
        return await self._finish(context, visit, standing, signup)

    async def by_link(
        self, context: Context, secret: str, purpose: str, *, name: str, locale: str, accepted: Accepted
    ) -> User | Refused:
        """Spend a link that reached the owner of the address elsewhere: only what they type here counts."""
        link = await context.stores.links.take(link_digest(context, secret), purpose=purpose, now=context.now)
        if link is None:
            return Refused(Refusal.LINK_SPENT)
        await context.stores.signups.complete(link.text("interaction"), context.now)
        claims = {"name": name.strip()[:LONGEST_NAME]}
        return await self.make(context, link.text("email"), claims, locale, accepted)

    async def invite(self, context: Context, email: str, *, name: str = "", locale: str = "en") -> Refused | None:
        """Send an invitation; the newest for an address is the one that counts."""
        try:
            address = plain_email(email)
        except BadIdentifier:
            return Refused(Refusal.EMAIL_INVALID)
        if await context.stores.users.find_by_name(address) is not None:
            return Refused(Refusal.EMAIL_TAKEN)
        link = await self._notices.link(
            context.stores, INVITATION, now=context.now, life=lifetimes.INVITATION, user_id=None, path="invitation",
            spare=True, email=address, name=name,
        )  # fmt: skip
        hours = int(lifetimes.INVITATION.total_seconds() // 3600)
        await self._notices.mail(
            context.stores, "invitation", to=address, locale=locale, now=context.now, life=lifetimes.INVITATION,
            link=link, hours=hours,
        )  # fmt: skip
        await context.record(EventKind.INVITED)
        return None
