"""What a person answers when a client asks for access: yes, which is kept, or no."""

from idp.domain.consent import Consent
from idp.domain.event import EventKind
from idp.domain.permission import is_of_administration
from idp.flows.authorization import Outcome, Standing, cancel
from idp.oauth.context import Context
from idp.policy import consent as consent_policy


async def allow(context: Context, standing: Standing) -> bool:
    """Note that the person agreed to the stored request; False if they had answered before."""
    request, user = standing.request, standing.user
    if request is None or user is None or not await context.stores.interactions.note_consent(standing.interaction.id):
        return False
    if request.tested_by is not None:  # nothing that outlives the test
        return True
    before = await context.stores.consents.find(user.id, request.client_id)
    asked = consent_policy.asked_scopes(request, await context.definitions(), issuer=context.engine.issuer)
    scopes = asked | (before.scopes if before else frozenset())
    claims = request.extra_claims | (before.claims if before else frozenset())
    await context.stores.consents.save(Consent(user.id, request.client_id, scopes, claims), context.now)
    await context.record(
        EventKind.CONSENT_GIVEN, user_id=user.id, client_id=request.client_id,
        scopes=" ".join(sorted(request.scopes)),
        first_admin_scope=before is None and is_of_administration(request.scopes),  # risk/behaviour.py
    )  # fmt: skip
    return True


async def deny(context: Context, standing: Standing) -> Outcome | str:
    """End an interaction because the person does not agree."""
    if standing.request is not None and standing.user is not None:
        await context.record(EventKind.CONSENT_DENIED, user_id=standing.user.id, client_id=standing.request.client_id)
    return await cancel(context, standing)
