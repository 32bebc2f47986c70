"""A01–A20: what Authlib leaves to us. Each test fails if we rely on the library where it is silent or wrong.

Read again at every upgrade. A06 and A07 speak of features that are not offered: they must be refused, not left to the
library.
"""

import ast
import asyncio
import base64
import json
from pathlib import Path

import authlib
import joserfc
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp import settings
from idp.domain.client import BadClient, Profile
from idp.oauth import client_keys
from tests.support.attacker import (
    FORM,
    ask,
    assert_refused,
    is_no_client,
    is_signed_in,
    machine,
    of_profile,
    parameters_of,
    signed_in,
    token,
    tokens_for,
)
from tests.support.client_auth import Assertion, Basic, Post, Public
from tests.support.html_browser import HtmlBrowser
from tests.support.known_secret import client_of_secret
from tests.support.provider import DAY, MINUTE, Person
from tests.support.relying_party import Answer, RelyingParty
from tests.support.session import REPOSITORY
from tests.support.target import Target, target

KEY = ECKey.generate_key("P-256", {"kid": "k1"})


def refused(answer: Answer) -> bool:
    return (answer.status, answer.error) == (400, "invalid_grant")


def test_a00_the_versions_are_those_that_were_read() -> None:
    """The table of gaps was written for these; a newer one is read first."""
    assert authlib.__version__.startswith("1.9.")
    assert joserfc.__version__.startswith("1.8.")


async def test_a01_the_code_is_spent_before_anything_is_issued(tmp_path: Path) -> None:
    """Authlib saves the token, then deletes the code: a failure in between leaves both."""
    (tmp_path / "hooks").mkdir()
    async with target("sqlite", tmp_path, test_hooks=str(tmp_path / "hooks")) as fresh:
        rp, person = await fresh.client(), await fresh.person()
        code = await fresh.browser(person).authorize(rp)
        (tmp_path / "hooks" / "trace").touch()

        await rp.redeem(code)
        await rp.redeem(code)

        calls = (tmp_path / "hooks" / "trace").read_text().split()
        assert calls.index("db.update.codes") < calls.index("db.insert.grants") < calls.index("keystore.sign")
        row = (await fresh.rows("codes"))[0]
        assert row["spent_at"] is not None, "the row stays, so that a replay is known as one"


async def test_a02_a_replay_ends_what_the_code_gave(rp: RelyingParty, browser: HtmlBrowser) -> None:
    code = await browser.authorize(rp)
    tokens = await rp.redeem(code)
    renewed = await rp.refresh(tokens.refresh_token)

    await rp.redeem(code)

    assert not await rp.is_active(tokens.access_token)
    assert not await rp.is_active(renewed.access_token)
    assert refused(await rp.refresh(renewed.refresh_token))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "x"},
    ],
    ids=str,
)
async def test_a03_pkce_is_s256_and_demanded_at_the_start(
    provider: Target, rp: RelyingParty, changes: dict[str, str | None]
) -> None:
    """Authlib allows and defaults to plain, and asks public clients only, at /token."""
    sent = await parameters_of(rp, **changes)

    assert_refused(await ask(provider, sent), "invalid_request", rp, sent["state"])
    pushed = await rp.post("pushed_authorization_request_endpoint", sent)
    assert (pushed.status, pushed.error) == (400, "invalid_request")


async def test_a03_a_missing_verifier_is_an_invalid_grant(rp: RelyingParty, browser: HtmlBrowser) -> None:
    code = await browser.authorize(rp)

    assert refused(await rp.redeem(code, code_verifier=None))
    assert refused(await rp.redeem(code, code_verifier="x" * 43))


async def test_a04_refresh_tokens_rotate_and_reuse_ends_the_family(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    first = await tokens_for(provider, rp, person)
    second = await rp.refresh(first.refresh_token)
    provider.clock.advance(2 * MINUTE)

    assert second.refresh_token != first.refresh_token
    assert refused(await rp.refresh(first.refresh_token))
    assert refused(await rp.refresh(second.refresh_token))


async def test_a04_two_that_race_share_one_successor(provider: Target, rp: RelyingParty, person: Person) -> None:
    tokens = await tokens_for(provider, rp, person)

    answers = await asyncio.gather(*(rp.refresh(tokens.refresh_token) for _ in range(8)))

    assert len({answer.refresh_token for answer in answers}) == 1


async def test_a04_a_person_who_is_gone_is_an_invalid_grant(provider: Target, rp: RelyingParty) -> None:
    """Authlib says invalid_request."""
    person = await provider.account()
    tokens = await tokens_for(provider, rp, person)

    await provider.site.users.delete(person.user)

    assert refused(await rp.refresh(tokens.refresh_token))


ASSERTIONS = {
    "jti again": {"jti": "same"},
    "exp in an hour": {"exp": 10**10},
    "two audiences": {"aud": ["https://id.example", "https://other.example"]},
    "no jti": {"jti": None},
}


@pytest.mark.parametrize("changes", ASSERTIONS.values(), ids=ASSERTIONS)
async def test_a05_assertions_are_checked_beyond_the_signature(provider: Target, changes: dict[str, object]) -> None:
    """Authlib's jti memory and audiences are stubs, and it knows no longest life."""
    rp = await machine(provider, "private_key_jwt", key=KEY)
    first = Assertion(KEY, "ES256", now=rp.now, changes=changes)

    answers = [await token(rp, first), await token(rp, first)]

    assert is_no_client(answers[1])
    assert is_no_client(answers[0]) is (changes != {"jti": "same"})


async def test_a05_a_typ_of_another_purpose_is_refused(provider: Target) -> None:
    rp = await machine(provider, "private_key_jwt", key=KEY)

    assert is_no_client(await token(rp, Assertion(KEY, "ES256", now=rp.now, header={"typ": "dpop+jwt"})))
    assert (
        await token(rp, Assertion(KEY, "ES256", now=rp.now, header={"typ": "client-authentication+jwt"}))
    ).status == 200


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
async def test_a05_algorithms_come_from_the_profile_not_the_library(provider: Target, alg: str) -> None:
    """Authlib accepts HS256, RS256 and ES256 only."""
    key = RSAKey.generate_key(2048, {"kid": "r1"})
    rp = await machine(provider, "private_key_jwt", key=key)

    assert (await token(rp, Assertion(key, alg, now=rp.now))).status == 200


async def test_a05_hmac_never_passes_for_a_key(provider: Target) -> None:
    rp = await machine(provider, "private_key_jwt", key=KEY)
    secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))

    assert is_no_client(await token(rp, Assertion(secret, "HS256", now=rp.now, header={"kid": "k1"})))


@pytest.mark.parametrize("profile", list(Profile))
async def test_a06_a_request_object_is_refused_not_trusted(provider: Target, profile: Profile) -> None:
    """Authlib accepts alg none unless signing is demanded, and fetches request_uri by default."""
    rp = await of_profile(provider, profile)
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + ".e30."

    for name, value, error in (
        ("request", unsigned, "invalid_request_object"),
        ("request_uri", "https://rp.example/request", "request_uri_not_supported"),
    ):
        sent = await parameters_of(rp, **{name: value})
        assert_refused(await ask(provider, sent), error, rp, sent["state"])


@pytest.mark.parametrize(
    "uri",
    [
        "http://rp.example/callback",
        "https://*.rp.example/callback",
        "javascript://localhost/x",
        "https://rp.example/callback#x",
        "https://user@rp.example/callback",
    ],
)
async def test_a07_redirect_uris_are_read_by_our_own_rules(provider: Target, uri: str) -> None:
    with pytest.raises(BadClient):
        await provider.client(redirect_uris=[uri])


async def test_a07_a_client_without_authentication_has_no_secret(provider: Target) -> None:
    """Authlib's registration always returns one."""
    members = {"client_name": "x", "redirect_uris": ["https://a.example"], "token_endpoint_auth_method": "none"}

    assert (await provider.site.clients.create(members))[1] is None
    assert (await provider.http.post(f"{provider.issuer}/register", json=members)).status_code == 401  # by token only


@pytest.mark.parametrize("endpoint", ["introspection_endpoint", "revocation_endpoint"])
async def test_a08_the_registered_method_counts_at_every_endpoint(
    provider: Target, rp: RelyingParty, endpoint: str
) -> None:
    """Authlib's check says yes to everything but the token endpoint."""
    assert isinstance(rp.auth, Basic)

    for auth in (Post(rp.auth.secret), Public()):
        assert is_no_client(await rp.post(endpoint, {"token": "x"}, auth=auth))


async def test_a09_two_methods_in_one_request_are_refused(rp: RelyingParty) -> None:
    assert isinstance(rp.auth, Basic)
    fields = {"grant_type": "x", "client_id": rp.client_id, "client_secret": rp.auth.secret}

    answer = await rp.post("token_endpoint", fields)

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_a10_unknown_client_and_wrong_secret_are_one_answer(provider: Target, rp: RelyingParty) -> None:
    answers = [
        await provider.http.post(f"{provider.issuer}/token", content="grant_type=x", headers={**FORM, **dict(headers)})
        for headers in (
            Basic("wrong").prove(rp.client_id, "").headers,
            Basic("wrong").prove("c-nobody", "").headers,
            {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
            {"Authorization": "Basic " + base64.b64encode("é:ü".encode()).decode()},
        )
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


async def test_a10_plus_means_space_in_basic(provider: Target) -> None:
    """RFC 6749 §2.3.1: both halves are form-encoded; Authlib leaves the plus."""
    members = {"client_name": "x", "grant_types": ["client_credentials"], "scope": "api"}
    client = await client_of_secret(provider.site, "a b+c", **members)
    rp = RelyingParty(provider.http, provider.issuer, client.id, Basic("a b+c"))

    assert (await token(rp)).status == 200


@pytest.mark.parametrize("name", ["nonce", "code_challenge", "prompt", "claims", "ui_locales", "unknown"])
async def test_a11_any_repeated_parameter_is_refused(provider: Target, rp: RelyingParty, name: str) -> None:
    """Authlib looks at seven names."""
    sent = await parameters_of(rp)

    answer = await ask(provider, [*sent.items(), (name, "x"), (name, "x")])

    assert_refused(answer, "invalid_request", rp, sent["state"])
    assert (await rp.post("token_endpoint", [("grant_type", "x"), (name, "1"), (name, "1")])).error == "invalid_request"


async def test_a12_a_persons_claims_never_overwrite_the_protocols(provider: Target, rp: RelyingParty) -> None:
    person = await provider.account(claims={"aud": "evil", "auth_time": 1, "name": "Ada"})

    tokens = await tokens_for(provider, rp, person, claims='{"id_token":{"aud":null,"auth_time":null,"name":null}}')

    claims = (await rp.decode(tokens.id_token)).claims
    assert (claims["aud"], claims["name"]) == (rp.client_id, "Ada")
    assert claims["auth_time"] > 1


async def test_a12_auth_time_is_the_login_even_after_a_refresh(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """Authlib would say now, and forget acr and amr."""
    tokens = await rp.redeem(await browser.authorize(rp))
    first = (await rp.decode(tokens.id_token)).claims
    provider.clock.advance(DAY)

    claims = (await rp.decode((await rp.refresh(tokens.refresh_token)).id_token)).claims

    assert [claims[name] for name in ("auth_time", "acr", "amr", "sub")] == [
        first[name] for name in ("auth_time", "acr", "amr", "sub")
    ]
    assert claims["iat"] > first["iat"]


async def test_a12_max_age_and_hints_are_looked_at(provider: Target, rp: RelyingParty, browser: HtmlBrowser) -> None:
    other = await tokens_for(provider, rp, await provider.person())
    await browser.authorize(rp)
    provider.clock.advance(MINUTE)

    assert (await browser.answer(rp, prompt="none", max_age="59")).error == "login_required"
    assert (await browser.answer(rp, prompt="none", id_token_hint=other.id_token)).error == "login_required"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a12_at_hash_is_there_for_every_algorithm(provider: Target, person: Person, alg: str) -> None:
    rp = await provider.client(id_token_signed_response_alg=alg)

    tokens = await tokens_for(provider, rp, person)

    assert "at_hash" in (await rp.decode(tokens.id_token)).claims
    await rp.check_id_token(tokens, rp.codes[next(reversed(rp.codes))])


async def test_a13_form_post_keeps_every_character_without_a_handler(provider: Target, rp: RelyingParty) -> None:
    """Authlib percent-encodes the values and submits by onload, which a policy of ours forbids."""
    state = "a b&c=d%20\"<é>'"

    page = await provider.browser().open(
        (await rp.authorization_request(state=state, response_mode="form_post", prompt="none")).url
    )

    assert page.document.forms[0].hidden["state"] == state
    assert "onload" not in page.response.text


async def test_a14_a_valid_hint_of_somebody_else_does_not_skip_the_question(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    victim = await signed_in(provider, person)
    hint = (await tokens_for(provider, rp, await provider.person())).id_token

    got = await victim.open(f"{provider.issuer}/end_session?id_token_hint={hint}")
    posted = await victim.post_from_elsewhere(f"{provider.issuer}/end_session", {"id_token_hint": hint})

    assert (got.name, posted.name) == ("logout", "logout")
    assert await is_signed_in(victim)


async def test_a15_unknown_hints_and_foreign_tokens_are_answered_constantly(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    """Authlib says unsupported_token_type and invalid_grant."""
    foreign = await tokens_for(provider, await provider.client(), person)

    answers = [
        await rp.revoke("unknown", token_type_hint="nonsense"),
        await rp.revoke(foreign.refresh_token),
        await rp.revoke(foreign.access_token),
    ]

    assert {(answer.status, answer.text) for answer in answers} == {(200, "")}
    assert (await rp.introspect(foreign.access_token, token_type_hint="nonsense")).body == {"active": False}


def test_a16_libraries_cannot_speak_at_debug() -> None:
    """Authlib prints tokens at DEBUG; what the log holds after everything is in test_tr_canaries."""
    import logging

    from idp import logs

    before = {name: logging.getLogger(name).level for name in logs.LIBRARIES}
    root, handlers = logging.getLogger().level, list(logging.getLogger().handlers)
    try:
        logs.configure("DEBUG")
        for name in ("authlib", "authlib.oauth2.rfc6749", "joserfc", "sqlalchemy.engine", "httpx2"):
            assert not logging.getLogger(name).isEnabledFor(logging.DEBUG), name
    finally:
        logging.getLogger().setLevel(root)
        logging.getLogger().handlers[:] = handlers
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


async def test_a17_two_requests_at_once_share_nothing(provider: Target) -> None:
    """Authlib's Starlette support is for clients; nothing of a request may stay on a shared object."""
    machines = [await machine(provider) for _ in range(6)]

    answers = await asyncio.gather(*(token(rp) for rp in machines for _ in range(5)))

    subjects = [(await machines[0].decode(answer.access_token)).claims["sub"] for answer in answers]
    assert subjects == [rp.client_id for rp in machines for _ in range(5)]


@pytest.mark.parametrize("value", ["1", "true", ""])
def test_a18_no_variable_turns_https_off_in_production(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", value)
    key = "YSBtYXN0ZXIga2V5IGZvciB0ZXN0cywgMzIgYnl0ZXM"
    options = settings.load(environment={"IDP_ISSUER": "https://id.example", "IDP_MASTER_KEY": key})

    assert any("AUTHLIB_INSECURE_TRANSPORT" in fault for fault in settings.production_faults(options))


@pytest.mark.parametrize(
    "uri", ["http://localhost.evil.example/cb", "http://127.0.0.1.nip.io/cb", "http://127.1/cb", "http://[::]/cb"]
)
async def test_a18_loopback_is_three_spellings_and_no_more(provider: Target, uri: str) -> None:
    with pytest.raises(BadClient):
        await provider.client(redirect_uris=[uri])


async def test_a19_userinfo_gives_what_was_granted_and_checks_the_audience(provider: Target, person: Person) -> None:
    """Authlib passes on whatever it is handed."""
    rp = await provider.client()
    tokens = await tokens_for(provider, rp, person, scope="openid")

    assert set((await rp.userinfo(tokens.access_token)).body) == {"sub"}
    assert (await rp.userinfo(tokens.id_token)).status == 401


@pytest.mark.parametrize("secret", ["", "x", "y" * 31])
async def test_a20_a_short_hmac_key_is_refused(provider: Target, secret: str) -> None:
    """joserfc refuses an empty one, and only warns of short ones."""
    members = {
        "client_name": "x", "grant_types": ["client_credentials"], "scope": "api",
        "token_endpoint_auth_method": "client_secret_jwt",
    }  # fmt: skip

    if secret:
        with pytest.raises(BadClient):
            await client_of_secret(provider.site, secret, **members)
    with pytest.raises(BadClient):
        client_keys.check_jwks({"keys": [{"kty": "oct", "k": secret}]})


def test_a20_nothing_of_ours_imports_the_old_jose_or_the_mixins() -> None:
    """authlib.jose is deprecated and knows other defaults; the SQLAlchemy mixins store secrets in the clear."""
    banned = ("authlib.jose", "authlib.integrations.sqla_oauth2", "authlib.deprecate", "authlib.integrations.flask")
    found = {
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in (REPOSITORY / "idp").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.startswith(banned)
    }

    assert not found


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []
