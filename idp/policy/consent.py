"""When consent is needed, may be remembered, or is skipped."""

from idp.domain.authorization import AuthorizationRequest, Prompt
from idp.domain.client import Client, Profile
from idp.domain.consent import Consent


def asked_scopes(request: AuthorizationRequest) -> frozenset[str]:
    """Return the scopes that a person decides about; openid alone reveals nothing but a pseudonym."""
    return frozenset(request.scopes)


def may_remember(client: Client) -> bool:
    """Say whether a consent spares the next question.

    Never for self-registered clients, nor for public and native ones that prove nothing by an https redirect
    (RFC 8252 §8.6).
    """
    if client.is_self_registered:
        return False
    is_on_a_server = client.is_confidential and client.profile is not Profile.NATIVE
    return is_on_a_server or all(uri.startswith("https://") for uri in client.redirect_uris)


def needs_consent(request: AuthorizationRequest, client: Client, consent: Consent | None) -> bool:
    """Say whether the person must be asked before this request is granted."""
    if Prompt.CONSENT in request.prompts:
        return True
    if client.is_first_party:
        return False
    if consent is None or not may_remember(client):
        return True
    return not consent.covers(asked_scopes(request), request.extra_claims)
