"""From /authorize to a code: what must still happen, and in which order.

A request that needs nobody is answered at once. Any other becomes an interaction, bound to the browser that began it;
each page asks here what comes next, so reload, back button and second tab always end in the right place.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from idp.domain.authorization import AuthorizationRequest, Interaction, Prompt
from idp.domain.client import Client
from idp.domain.secret import Digest, Digester, equal, make_id
from idp.domain.session import Session
from idp.domain.user import User
from idp.flows import authorization_end, browser_session, judging
from idp.flows.approvals import Answered
from idp.flows.enrolled import facts_of
from idp.flows.visit import Visit
from idp.oauth import authorization, client_test
from idp.oauth.authorization import Accepted
from idp.oauth.context import Context
from idp.oauth.extensions import par
from idp.oauth.extensions.response_modes import Delivery
from idp.oauth.request import Pairs
from idp.policy import consent as consent_policy
from idp.policy import lifetimes, prompts
from idp.policy.approval import event_of
from idp.policy.facts import Event
from idp.policy.prompts import Fail, Situation, Step

__all__ = ["Answered", "GoTo", "Outcome", "Standing", "Step", "Stuck"]


@dataclass(frozen=True, slots=True)
class GoTo:
    """The person must do something first, on the page of this step."""

    step: Step
    interaction_id: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """The interaction cannot go on in this browser: `expired`, `foreign`, `done` or `unknown`."""

    why: str
    retry_path: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an interaction stands: its client, who is signed in, and what comes next."""

    interaction: Interaction
    request: AuthorizationRequest | None
    client: Client | None
    session: Session | None
    user: User | None
    step: Step | Fail
    situation: Situation

    @property
    def is_remembered(self) -> bool:
        """Say whether a consent given now spares the next question."""
        request, client = self.request, self.client
        return request is not None and client is not None and consent_policy.spares_next(request, client)


Outcome = GoTo | Delivery | Answered | Stuck


def browser_digest(digester: Digester, visit: Visit) -> Digest:
    """Return what is stored of the cookie that binds interactions to a browser."""
    return digester.digest("browser", visit.browser)


async def begin(
    context: Context, visit: Visit, pairs: Pairs, *, path: str, tell: judging.Tell | None = None
) -> Outcome:
    """Answer a request to /authorize; raise PageError if nobody may be redirected to."""
    pushed = await par.find(context, pairs)
    checked = await authorization.check(context, pairs) if pushed is None else pushed
    return await begin_checked(context, visit, checked, path=path, tell=tell)


async def begin_checked(
    context: Context, visit: Visit, checked: Accepted | Delivery, *, path: str, tell: judging.Tell | None = None
) -> Outcome:
    """Answer a request that was checked; `path` is where to begin once more."""
    if isinstance(checked, Delivery):
        return checked
    request, client = checked.request, checked.client
    session = await _current_session(context, visit)
    situation = await situate(context, visit, request, None, session)
    event = event_of(request, Event.AUTHORIZE)
    situation = await judging.of_session(context, visit, situation, request, client, event, tell=tell)
    step = await _decide(context, request, client, situation)
    if isinstance(step, Fail):
        return await authorization_end.refuse(context, request, client, step, session)
    if step is Step.DONE and session is not None:
        return await authorization_end.grant(context, request, client, session)
    interaction = _judged(_new_interaction(context, request, path), situation)
    await _keep(context, visit, interaction)
    is_new = step is Step.LOGIN and Prompt.CREATE in request.prompts
    return GoTo(Step.SIGN_UP if is_new else step, interaction.id)


def _judged(interaction: Interaction, situation: Situation) -> Interaction:
    judgement = situation.judgement
    return interaction if judgement is None else replace(interaction, judgement=judgement.as_json())


async def begin_without_client(
    context: Context,
    visit: Visit,
    *,
    return_path: str,
    fresh_within: timedelta | None = None,
    event: Event = Event.CREDENTIAL_CHANGE,
) -> GoTo:
    """Begin a sign-in that leads to one of our own pages.

    `fresh_within` asks for all factors, proved that recently; `event` is what the policy is asked about then.
    """
    interaction = replace(_new_interaction(context, None, return_path), fresh_within=fresh_within)
    session = await _current_session(context, visit)
    situation = await situate(context, visit, None, interaction, session)
    event = Event.LOGIN if fresh_within is None else event
    situation = await judging.of_session(context, visit, situation, None, None, event)
    await _keep(context, visit, _judged(interaction, situation))
    step = prompts.decide_for_ourselves(situation)
    return GoTo(Step.LOGIN if isinstance(step, Fail) or step is Step.DONE else step, interaction.id)


async def _keep(context: Context, visit: Visit, interaction: Interaction) -> None:
    digest = context.engine.digester.digest("browser", visit.browser)
    await context.stores.interactions.add(interaction, digest, keep=lifetimes.INTERACTIONS_PER_BROWSER)


def _new_interaction(context: Context, request: AuthorizationRequest | None, path: str) -> Interaction:
    return Interaction(
        id=make_id(),
        request=request,
        return_path=path,
        created_at=context.now,
        expires_at=context.now + lifetimes.INTERACTION,
    )


async def stand(context: Context, visit: Visit, interaction_id: str) -> Standing | Stuck:
    """Return where an interaction stands, or why this browser cannot go on with it."""
    found = await context.stores.interactions.find(interaction_id) if len(interaction_id) <= 32 else None
    if found is None:
        return Stuck("unknown")
    interaction, browser = found
    if not equal(browser, browser_digest(context.engine.digester, visit)):
        return Stuck("foreign")
    if interaction.completed_at is not None:
        return Stuck("done", interaction.return_path)
    if not interaction.is_open(context.now):
        return Stuck("expired", interaction.return_path)
    return await _standing(context, visit, interaction)


async def _standing(context: Context, visit: Visit, interaction: Interaction) -> Standing | Stuck:
    session = await _current_session(context, visit)
    request = interaction.request
    situation = await situate(context, visit, request, interaction, session)
    user = await context.stores.users.find(situation.user_id) if situation.user_id else None
    if request is None:
        step: Step | Fail = prompts.decide_for_ourselves(situation)
        return Standing(interaction, None, None, session, user, step, situation)
    client = await context.client(request.client_id)
    if client is None or not await _may_lead_back(context, request, client):
        return Stuck("expired")  # the client ended, or lost this URI, while the person was away
    step = await _decide(context, request, client, situation)
    return Standing(interaction, request, client, session, user, step, situation)


async def _may_lead_back(context: Context, request: AuthorizationRequest, client: Client) -> bool:
    if request.approves is not None:
        return True  # there is no way back: the client learns the answer when it polls
    if request.tested_by is not None:
        return await client_test.is_under_way(context, request)
    return client.allows_redirect(request.redirect_uri)


async def situate(
    context: Context,
    visit: Visit,
    request: AuthorizationRequest | None,
    interaction: Interaction | None,
    session: Session | None,
) -> Situation:
    """Gather what the decision needs; the person's factors only where something may still be asked of them."""
    situation = Situation(interaction, session, context.now, rules=context.engine.rules)
    asks_more = request is None or bool(request.acr_values) or request.essential_acrs is not None
    is_judged = interaction is not None and interaction.judgement is not None
    if situation.user_id is None or not (asks_more or situation.own_proofs or is_judged):
        return situation
    user = await context.stores.users.find(situation.user_id)
    if user is None or not user.is_active:
        return Situation(replace(interaction, proofs=(), user_id=None) if interaction else None, None, context.now)
    return replace(
        situation,
        facts=await facts_of(context.stores, context.engine, visit, user, context.now),
        judgement=await judging.kept(context, interaction, user.id),
    )


async def proceed(context: Context, standing: Standing) -> Outcome | str:
    """Go on from where the interaction stands: to the next page, to the client, or to a path of ours."""
    interaction, request, client, session = standing.interaction, standing.request, standing.client, standing.session
    if isinstance(standing.step, Step) and standing.step is not Step.DONE:
        return GoTo(standing.step, interaction.id)
    if not await context.stores.interactions.complete(interaction.id, context.now):
        return Stuck("done", interaction.return_path)
    if request is None or client is None:
        if isinstance(standing.step, Fail):
            return Stuck("refused", interaction.return_path)
        return interaction.return_path or "/account"
    if isinstance(standing.step, Fail):
        return await authorization_end.refuse(context, request, client, standing.step, session)
    assert session is not None
    return await authorization_end.grant(context, request, client, session)


async def resume(context: Context, visit: Visit, interaction_id: str) -> Outcome | str:
    """Go on with an interaction after a page has done its part."""
    standing = await stand(context, visit, interaction_id)
    return standing if isinstance(standing, Stuck) else await proceed(context, standing)


async def cancel(context: Context, standing: Standing) -> Outcome | str:
    """End an interaction at the person's wish; the client is told access_denied, nothing else changes."""
    if not await context.stores.interactions.complete(standing.interaction.id, context.now):
        return Stuck("done", standing.interaction.return_path)
    if standing.request is None or standing.client is None:
        return "/account"
    fail = Fail("access_denied", "the person cancelled")
    return await authorization_end.refuse(context, standing.request, standing.client, fail, standing.session)


async def choose_account(context: Context, standing: Standing, *, go_on: bool) -> None:
    """Note the answer of the account chooser: go on with the current account, or sign in with another."""
    session_id = standing.session.id if go_on and standing.session else ""
    await context.stores.interactions.note_account(standing.interaction.id, session_id)


async def _current_session(context: Context, visit: Visit) -> Session | None:
    session = await browser_session.find(context.stores, context.engine.digester, visit, context.now)
    if session is None:
        return None
    return await browser_session.keep_alive(context.stores, session, context.now)


async def _decide(context: Context, request: AuthorizationRequest, client: Client, situation: Situation) -> Step | Fail:
    session, interaction = situation.session, situation.interaction
    if situation.user_id is not None:
        situation = replace(situation, subject=context.engine.subjects.of(client, situation.user_id))
    consent = await context.stores.consents.find(session.user_id, client.id) if session else None
    is_given = interaction is not None and interaction.consent_given
    asked = consent_policy.asked_scopes(request, await context.definitions(), issuer=context.engine.issuer)
    needed = not is_given and consent_policy.needs_consent(request, client, consent, asked)
    return prompts.decide(request, client, situation, consent_needed=needed)
