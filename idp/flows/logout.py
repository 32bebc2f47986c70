"""Signing out: at once when the client proves that it asks for this very session, else only after the person agrees."""

from dataclasses import dataclass

from idp.domain.assurance import Factor
from idp.domain.client import Client
from idp.domain.session import Session
from idp.flows import browser_session
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.oauth.openid.end_session import EndSessionRequest
from idp.oauth.openid.frontchannel_logout import frames_of
from idp.oauth.openid.id_token import session_identifier


@dataclass(frozen=True, slots=True)
class Ask:
    """The person must confirm first."""

    session: Session
    client: Client | None


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Nobody is signed in here any more; where to go, if anywhere, and a link to offer."""

    redirect_uri: str | None
    link_uri: str | None
    client: Client | None
    elsewhere: str | None = None  # another provider that they signed in with, and where they may still be signed in
    frames: tuple[str, ...] = ()  # to be loaded by this browser, so that applications end their sessions there


async def end_session(context: Context, visit: Visit, request: EndSessionRequest) -> Ask | SignedOut:
    """Answer a request to /end_session (RP-Initiated Logout §2)."""
    session = await browser_session.find(context.stores, context.engine.digester, visit, context.now)
    if session is None:
        return SignedOut(request.redirect_uri, request.link_uri, request.client)
    if not _is_of_this_session(context, request, session):
        return Ask(session, request.client)
    return await _end(context, visit, session, request)


async def confirm(context: Context, visit: Visit, request: EndSessionRequest) -> SignedOut:
    """Sign out because the person said so."""
    session = await browser_session.find(context.stores, context.engine.digester, visit, context.now)
    if session is None:
        return SignedOut(request.redirect_uri, request.link_uri, request.client)
    return await _end(context, visit, session, request)


async def _end(context: Context, visit: Visit, session: Session, request: EndSessionRequest) -> SignedOut:
    frames, elsewhere = await frames_of(context, session.id), await _elsewhere(context, session)
    await browser_session.end(context.stores, session, context.now, address=visit.address)
    return SignedOut(request.redirect_uri, request.link_uri, request.client, elsewhere, frames)


async def _elsewhere(context: Context, session: Session) -> str | None:
    """Return the other provider by which this session was opened; signing out here signs nobody out there."""
    used = {proof.credential_id for proof in session.proofs if proof.factor is Factor.FEDERATED}
    if not used:
        return None
    links = await context.stores.upstream_identities.of_user(session.user_id)
    link = next((each for each in links if each.id in used), None)
    upstream = await context.stores.upstreams.find(link.upstream_id) if link is not None else None
    return upstream.name if upstream is not None else None


def _is_of_this_session(context: Context, request: EndSessionRequest, session: Session) -> bool:
    """Say whether the hint was issued to its client for this very session; any other could sign out strangers."""
    if not request.is_proven or request.client is None:
        return False
    if request.subject != context.engine.subjects.of(request.client, session.user_id):
        return False
    return request.sid == session_identifier(context.engine.digester, session.id, request.client.id)
