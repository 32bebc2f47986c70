"""When consent is needed, may be remembered, or is skipped."""

from idp.domain.authorization import AuthorizationRequest, Prompt
from idp.domain.client import Client, Profile
from idp.domain.consent import Consent
from idp.domain.definitions import Definitions
from idp.policy.resources import consent_words


def asked_scopes(request: AuthorizationRequest, definitions: Definitions, *, issuer: str) -> frozenset[str]:
    """Return the scopes that a person decides about, those of an API with its name: `https://api.example#read`."""
    return frozenset(consent_words(definitions, request.scopes, request.resources or (issuer,), issuer=issuer))


def may_remember(client: Client) -> bool:
    """Say whether a consent spares the next question.

    Never for self-registered clients, nor for public and native ones that prove nothing by an https redirect
    (RFC 8252 §8.6).
    """
    if client.is_self_registered:
        return False
    is_on_a_server = client.is_confidential and client.profile is not Profile.NATIVE
    return is_on_a_server or all(uri.startswith("https://") for uri in client.redirect_uris)


def spares_next(request: AuthorizationRequest, client: Client) -> bool:
    """Say whether a consent to this request spares the next question: not to a test, nor about single details.

    Nor to another device's request, which is asked each time, since anybody may send somebody a code (RFC 8628 §5.4).
    """
    is_ordinary = request.tested_by is None and request.approves is None and not request.details
    return is_ordinary and may_remember(client)


def needs_consent(
    request: AuthorizationRequest, client: Client, consent: Consent | None, asked: frozenset[str]
) -> bool:
    """Say whether the person must be asked before this request is granted; `asked` are its scopes as they decide them.

    About authorization details always: each is a decision of its own, whoever asks (RFC 9396 §5).
    """
    if request.details:
        return True
    if Prompt.CONSENT in request.prompts or request.approves is not None:
        return True
    if client.is_first_party:
        return False
    if consent is None or not may_remember(client):
        return True
    return not consent.covers(asked, request.extra_claims)
