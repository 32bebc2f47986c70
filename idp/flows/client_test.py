"""A test of a client by an administrator in their own browser: begun by their form, ended by our callback, shown once.

Not here: why nothing of it is good anywhere else → oauth/client_test.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp.domain.client import Client
from idp.domain.document_url import path_name
from idp.domain.event import Event, EventKind, Result
from idp.domain.permission import SCOPE_PREFIX
from idp.domain.permission import Permission as P
from idp.domain.secret import equal, make_secret
from idp.domain.session import Session
from idp.flows import authorization, browser_session, judging
from idp.flows.admin.clients import reach
from idp.flows.admin.operation import Work
from idp.flows.admin.problem import Code, Problem, missing
from idp.flows.authorization import Outcome
from idp.flows.visit import Visit
from idp.oauth import authorization as protocol
from idp.oauth import client_test
from idp.oauth.authorization import Accepted
from idp.oauth.client_test import Redeemed
from idp.oauth.context import Context
from idp.oauth.errors import RedirectError
from idp.oauth.extensions import pkce
from idp.policy import lifetimes
from idp.policy.client_advice import advise
from idp.policy.mutual_tls import METHODS
from idp.policy.profiles import binds_to_certificate, requires_binding, requires_pushed_requests
from idp.storage.client_tests import ClientTest

LONGEST = 2048
#: What a test never asks for: it shall not outlive itself, nor carry anything of the administration.
_NOT_ASKED = frozenset({"offline_access"})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a test ended: with an error of the provider, or with what was redeemed; None of both if a check failed."""

    request: Mapping[str, str]
    client: Client
    error: str | None = None
    description: str | None = None
    redeemed: Redeemed | None = None

    @property
    def demands(self) -> list[str]:
        """Return what the client must do by keys of its own, by the short names of the specifications."""
        binds = "mTLS" if binds_to_certificate(self.client) and self.client.auth_method in METHODS else "DPoP"
        known = {
            "PAR": requires_pushed_requests(self.client), "JAR": self.client.require_signed_request_object,
            binds: requires_binding(self.client),
        }  # fmt: skip
        return [name for name, is_demanded in known.items() if is_demanded]

    @property
    def advice(self) -> str | None:
        """Return the code of what to change after an error."""
        return advise(self.error, None).value if self.error is not None else None


async def begin(
    work: Work, context: Context, visit: Visit, client_id: str, *, tell: judging.Tell | None = None
) -> Outcome:
    """Begin a test of a client within the caller's reach; lead to whatever the person must do, or to our callback."""
    client, session = await _admitted(work, context, visit, client_id)
    state, verifier, nonce = make_secret(), make_secret(), make_secret()
    parameters = _parameters(context, client, state=state, nonce=nonce, verifier=verifier)
    test = ClientTest(
        state=client_test.state_digest(context, state),
        client_id=client.id,
        user_id=session.user_id,
        session_id=session.id,
        browser=authorization.browser_digest(context.engine.digester, visit),
        verifier=verifier,
        nonce=nonce,
        scopes=tuple(parameters["scope"].split()),
        expires_at=context.now + lifetimes.CLIENT_TEST,
    )
    await context.stores.client_tests.add(test, context.now)
    await _record(work, client, "begun", Result.DONE)
    await context.definitions()
    checked = protocol.check_for_test(context, client, parameters)
    if isinstance(checked, Accepted):
        checked = replace(checked, request=replace(checked.request, tested_by=session.user_id))
    return await authorization.begin_checked(
        context, visit, checked, path=f"/admin/clients/{path_name(client.id)}", tell=tell
    )


def _parameters(context: Context, client: Client, *, state: str, nonce: str, verifier: str) -> dict[str, str]:
    scopes = [each for each in client.scopes if each not in _NOT_ASKED and not each.startswith(SCOPE_PREFIX)]
    return {
        "client_id": client.id,
        "redirect_uri": client_test.redirect_uri(context.engine.issuer, client.id),
        "response_type": "code",
        "scope": " ".join(scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": pkce.s256(verifier),
        "code_challenge_method": "S256",
    }


async def _admitted(work: Work, context: Context, visit: Visit, client_id: str) -> tuple[Client, Session]:
    """Return the client and the caller's session; raise Problem for whoever may not test this client."""
    if not work.caller.may(P.CLIENTS_WRITE):
        raise Problem(Code.FORBIDDEN, "tests of clients need the permission to change them")
    client = await reach(work, client_id)
    session = await browser_session.find(context.stores, context.engine.digester, visit, context.now)
    if session is None or session.user_id != work.caller.user_id:
        raise missing("session")
    if not client.is_active:
        raise Problem(Code.CONFLICT, "a client that is disabled signs nobody in")
    return client, session


async def finish(work: Work, context: Context, visit: Visit, client_id: str, answer: Mapping[str, str]) -> Ended | None:
    """End the test that an answer belongs to, and return what came of it; None if no test of theirs waits for it.

    Whoever is not the account, session and browser that began a test neither learns of it nor ends it.
    """
    client, session = await _admitted(work, context, visit, client_id)
    text = answer.get("state", "")
    state = client_test.state_digest(context, text)
    test = await context.stores.client_tests.find(state, context.now) if 0 < len(text) <= LONGEST else None
    browser = authorization.browser_digest(context.engine.digester, visit)
    if test is None or not equal(test.browser, browser) or test.client_id != client.id:
        return None
    if (test.user_id, test.session_id) != (session.user_id, session.id):
        return None
    if await context.stores.client_tests.spend(state, context.now) is None:
        return None
    ended = await _ended(context, test, client, session, answer)
    await _record(work, client, ended.error or "redeemed", Result.REFUSED if ended.error else Result.DONE)
    return ended


async def _ended(
    context: Context, test: ClientTest, client: Client, session: Session, answer: Mapping[str, str]
) -> Ended:
    sent = _parameters(context, client, state="", nonce="", verifier=test.verifier) | {"scope": " ".join(test.scopes)}
    if "error" in answer:
        return Ended(sent, client, answer["error"][:100], answer.get("error_description", "")[:500])
    if answer.get("iss") != context.engine.issuer:  # RFC 9207 §2.4, as every client should
        return Ended(sent, client, "invalid_request", "iss is not this provider")
    user = await context.stores.users.find(session.user_id)
    if user is None or not user.is_active:
        return Ended(sent, client, "access_denied", "the account has ended")
    try:
        redeemed = client_test.redeem(context, test, answer.get("code", "")[:LONGEST], client, (session, user))
    except RedirectError as error:
        return Ended(sent, client, error.error, error.description)
    return Ended(sent, client, redeemed=redeemed)


async def _record(work: Work, client: Client, outcome: str, result: Result) -> None:
    event = Event(
        EventKind.CLIENT_TESTED, client_id=client.id, address=work.caller.address, actor=work.caller.actor,
        result=result, detail={"outcome": outcome},
    )  # fmt: skip
    await work.stores.events.add(event, work.now)
