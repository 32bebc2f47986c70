"""A new password in the middle of a sign-in, where the policy lets the old one open nothing any more."""

from dataclasses import replace

from idp.domain.assurance import Factor, Proof
from idp.flows.authorization import Standing
from idp.flows.new_password import Accepted
from idp.flows.profile import Profile
from idp.flows.sign_in import Proceeded, SignIn
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.policy.situation import NEW_PASSWORD

BREACHED = "CRED_BREACHED"


def is_breached(standing: Standing) -> bool:
    """Say whether the typed password stands among leaked ones, so that its person is told why."""
    judgement = standing.situation.judgement
    signals = judgement.facts.known.get("signals") if judgement is not None else None
    return isinstance(signals, frozenset) and BREACHED in signals


async def replace_password(
    context: Context, visit: Visit, standing: Standing, accepted: Accepted, *, profile: Profile, sign_in: SignIn
) -> Proceeded:
    """Store the password that a person chose, and go on with their sign-in; every session of theirs elsewhere ends."""
    user, session = standing.user, standing.session
    assert user is not None, "somebody has typed a password"
    is_theirs = session is not None and session.user_id == user.id
    await profile.change_password(
        context, user, accepted, session_id=session.id if session is not None and is_theirs else None
    )
    interaction = standing.interaction
    changed = replace(interaction, judgement={**(interaction.judgement or {}), NEW_PASSWORD: True})
    proof = Proof(Factor.PASSWORD, context.now)
    return await sign_in.record(context, visit, replace(standing, interaction=changed), user, proof)
