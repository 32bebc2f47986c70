"""A client whose secret a test chooses, since nobody else can."""

from typing import Any

from idp.domain.client import Client, Profile
from idp.flows.client_document import with_secret
from idp.policy import clients as policy
from idp.wiring import Site


async def client_of_secret(
    site: Site, secret: str, client_id: str | None = None, *, profile: Profile = Profile.OAUTH21, **members: Any
) -> Client:
    """Register a client and give it this secret; raise BadClient if it is no good for its method."""
    made, _ = await site.clients.create(members, profile=profile, client_id=client_id)
    client, _ = with_secret(site.digester, made, secret)
    policy.check(client)
    async with site.transactions.open(write=True) as stores:
        await stores.clients.save(client, site.clock.now())
    return client
