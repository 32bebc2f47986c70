"""Who is asked, and when an earlier yes is enough."""

import pytest

from idp.domain.authorization import AuthorizationRequest, ClaimRequest, Prompt
from idp.domain.client import AuthMethod, Client, Profile
from idp.domain.consent import Consent
from idp.policy.consent import may_remember, needs_consent
from tests.support.builders import client, request

GIVEN = Consent("alice", "rp", frozenset({"openid", "email"}), frozenset({"gender"}))
NARROW, SAME, WIDE = (
    request(scopes=("openid",)),
    request(scopes=("openid", "email")),
    request(scopes=("openid", "phone")),
)
CLAIM, OTHER_CLAIM = (
    request(scopes=("openid",), userinfo_claims={"gender": ClaimRequest()}),
    request(scopes=("openid",), id_token_claims={"birthdate": ClaimRequest()}),
)
FIRST_PARTY = client(is_first_party=True)
SELF_REGISTERED = client(is_self_registered=True)
PUBLIC = client(auth_method=AuthMethod.NONE, redirect_uris=("https://spa.example/cb",))
LOOPBACK = client(auth_method=AuthMethod.NONE, redirect_uris=("https://spa.example/cb", "http://127.0.0.1/cb"))
NATIVE = client(profile=Profile.NATIVE, auth_method=AuthMethod.PRIVATE_KEY_JWT, redirect_uris=("com.example:/cb",))
CLAIMED = client(profile=Profile.NATIVE, auth_method=AuthMethod.NONE, redirect_uris=("https://app.example/cb",))


@pytest.mark.parametrize(
    ("rp", "asked", "given", "needed"),
    [
        (client(), NARROW, None, True),
        (client(), NARROW, GIVEN, False),
        (client(), SAME, GIVEN, False),
        (client(), WIDE, GIVEN, True),
        (client(), CLAIM, GIVEN, False),
        (client(), OTHER_CLAIM, GIVEN, True),
        (PUBLIC, SAME, GIVEN, False),
        (LOOPBACK, SAME, GIVEN, True),
        (SELF_REGISTERED, SAME, GIVEN, True),
        (FIRST_PARTY, WIDE, None, False),
        (FIRST_PARTY, WIDE, GIVEN, False),
    ],
)
def test_consent_is_asked_unless_it_was_given_for_all_of_it(
    rp: Client, asked: AuthorizationRequest, given: Consent | None, needed: bool
) -> None:
    assert needs_consent(asked, rp, given, frozenset(asked.scopes)) is needed


@pytest.mark.parametrize("rp", [client(), PUBLIC, LOOPBACK, SELF_REGISTERED, FIRST_PARTY])
def test_prompt_consent_always_asks(rp: Client) -> None:
    """OIDC Core §3.1.2.1."""
    asked = request(scopes=("openid",), prompts=frozenset({Prompt.CONSENT}))

    assert needs_consent(asked, rp, GIVEN, frozenset(asked.scopes))


@pytest.mark.parametrize(
    ("rp", "remembered"),
    [(client(), True), (PUBLIC, True), (LOOPBACK, False), (SELF_REGISTERED, False), (NATIVE, False), (CLAIMED, True)],
)
def test_consent_is_remembered_only_for_clients_whose_identity_is_proved(rp: Client, remembered: bool) -> None:
    """RFC 8252 §8.6; ASVS 10.7."""
    assert may_remember(rp) is remembered
