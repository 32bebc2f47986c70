"""Identities at other providers as ways into an account: found, linked by a person who proved both, and removed.

Nothing is ever linked by an address or a name: only what somebody proves here, in the same sign-in or session, links.
"""

from dataclasses import replace

from idp.domain.assurance import Factor, Proof
from idp.domain.event import Actor, ActorKind, Event, EventKind
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import Digest, make_id
from idp.domain.upstream import Arrival, Upstream, UpstreamIdentity
from idp.domain.user import User
from idp.flows.access import end_elsewhere
from idp.flows.notices import Notices
from idp.oauth.context import Context
from idp.policy import upstreams as policy
from idp.storage.stores import Stores

MOST_LINKS = 20


class UpstreamLinks:
    """Changes which identities elsewhere lead into an account."""

    def __init__(self, notices: Notices) -> None:
        """Tell people by these."""
        self._notices = notices

    async def find(self, context: Context, arrival: Arrival) -> UpstreamIdentity | None:
        """Return the link of an identity, None if it is nobody's."""
        return await context.stores.upstream_identities.find(digest_of(context, arrival))

    async def link(
        self, context: Context, user: User, upstream: Upstream, arrival: Arrival, *, is_new: bool = False
    ) -> UpstreamIdentity | Refused:
        """Link an identity to an account, whose owner is told; to one that `is_new` there is nothing to tell."""
        stores = context.stores
        if len(await stores.upstream_identities.of_user(user.id)) >= MOST_LINKS:
            return Refused(Refusal.TOO_MANY)
        identity = UpstreamIdentity(
            make_id(), upstream.id, user.id, arrival.label, context.now, context.now if is_new else None
        )
        if not await stores.upstream_identities.add(identity, digest_of(context, arrival), arrival):
            return Refused(Refusal.IDENTITY_TAKEN)
        await context.record(EventKind.SIGN_IN_LINKED, user_id=user.id, upstream=upstream.id, link=identity.id)
        if not is_new:
            await self._notices.tell(
                stores, user, "sign_in_linked", context.now, provider=upstream.name, name=arrival.label
            )  # fmt: skip
        return identity

    async def begin(self, context: Context, user: User, upstream: Upstream, arrival: Arrival) -> Proof | Refused:
        """Link the identity with which an account begins, and return what signing in there proved."""
        identity = await self.link(context, user, upstream, arrival, is_new=True)
        if isinstance(identity, Refused):
            return identity
        await self.used(context, user, upstream, arrival, identity.id)
        return policy.proof_of(upstream, arrival, identity, context.now)

    async def unlink(self, context: Context, user: User, identity_id: str, *, session_id: str) -> Refused | None:
        """Remove a link of one's own, and end what it may have opened; the last way in stays."""
        stores = context.stores
        links = await stores.upstream_identities.of_user(user.id)
        found = next((each for each in links if each.id == identity_id), None)
        if found is None:
            return Refused(Refusal.NOT_AVAILABLE)
        if not await has_way_in(stores, user.id, without_link=found.id):
            return Refused(Refusal.LAST_WAY_IN)
        if not await stores.upstream_identities.remove(user.id, found.id):
            return Refused(Refusal.NOT_AVAILABLE)
        upstream = await stores.upstreams.find(found.upstream_id)
        await context.record(EventKind.SIGN_IN_UNLINKED, user_id=user.id, upstream=found.upstream_id, link=found.id)
        await end_elsewhere(stores, user.id, context.now, spare=session_id)
        await self._notices.tell(
            stores, user, "sign_in_unlinked", context.now, name=found.label,
            provider=upstream.name if upstream is not None else found.upstream_id,
        )  # fmt: skip
        return None

    async def used(self, context: Context, user: User, upstream: Upstream, arrival: Arrival, link_id: str) -> User:
        """Note a sign-in by a link, and bring the person's groups to what the other provider says; return them."""
        await context.stores.upstream_identities.touch(link_id, context.now)
        groups = policy.groups_after(upstream, arrival, user.groups)
        if groups == user.groups:
            return user
        changed = replace(user, claims={**user.claims, "groups": list(groups)}, updated_at=context.now)
        await context.stores.users.save(changed)
        await context.record_event(
            Event(
                EventKind.GROUP_CHANGED, user_id=user.id, actor=Actor(ActorKind.SYSTEM),
                detail={"change": "by another provider", "upstream": upstream.id},
                before={"groups": list(user.groups)}, after={"groups": list(groups)},
            )
        )  # fmt: skip
        return changed


def digest_of(context: Context, arrival: Arrival) -> Digest:
    """Return under what an identity is found."""
    return context.engine.digester.digest("upstream_identity", arrival.key)


async def has_way_in(stores: Stores, user_id: str, *, without_link: str = "", without_factor: str = "") -> bool:
    """Say whether somebody could still begin a sign-in: by a password, a passkey, or at a provider that is active."""
    if await stores.credentials.password_of(user_id) is not None:
        return True
    for each in await stores.credentials.of_user(user_id):
        if each.id != without_factor and each.factor is Factor.WEBAUTHN and each.is_active:
            return True
    active = {each.id for each in await stores.upstreams.active()}
    links = await stores.upstream_identities.of_user(user_id)
    return any(each.id != without_link and each.upstream_id in active for each in links)
