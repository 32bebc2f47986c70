"""AZ30–AZ35: requests that are signed, referred to or pushed, by those who should not (RFC 9101 §10, RFC 9126 §7)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from idp.domain.client import Profile
from idp.oauth.extensions.par import PREFIX
from idp.policy import lifetimes
from idp.policy.lockout import PUSHES
from tests.support.attacker import ask, assert_error_page, assert_refused, of_profile, parameters_of, redirected, send
from tests.support.client_auth import Basic, Public
from tests.support.hosted import Hosted, hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge
from tests.support.provider import CALLBACK
from tests.support.pushed import PUSHED, push, reference, url_of, visit
from tests.support.relying_party import RelyingParty
from tests.support.target import Target, target

KEY = ECKey.generate_key("P-256", {"kid": "k1"})
OTHER = ECKey.generate_key("P-256", {"kid": "k1"})


async def claims_of(rp: RelyingParty, **changes: object) -> dict[str, Any]:
    now = int(rp.now())
    whole = {**(await parameters_of(rp)), "iss": rp.client_id, "aud": rp.issuer, "exp": now + 60, "nbf": now, **changes}
    return {name: value for name, value in whole.items() if value is not None}


async def outer(rp: RelyingParty, text: str, **more: str) -> dict[str, str]:
    return {"client_id": rp.client_id, "redirect_uri": CALLBACK, "response_type": "code", "state": "s", "request": text,
            **more}  # fmt: skip


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize(
    "how", ["none", "unsigned", "HS256 by PEM", "HS256 by DER", "other client", "jwk", "jku", "x5c"]
)
async def test_az30_an_object_that_the_client_did_not_sign_is_refused(
    provider: Target, profile: Profile, how: str
) -> None:
    rp = await provider.client(profile=profile, method="private_key_jwt", key=KEY)
    claims = await claims_of(rp)
    text = {
        "none": forge({"alg": "none"}, claims, None, "none"),
        "unsigned": forge({"alg": "ES256"}, claims, None, "none"),
        "HS256 by PEM": forge({"alg": "HS256"}, claims, KEY.as_pem(private=False), "HS256"),
        "HS256 by DER": forge({"alg": "HS256"}, claims, KEY.as_der(private=False), "HS256"),
        "other client": forge({"alg": "ES256", "kid": "k1"}, claims, OTHER, "ES256"),
        "jwk": forge({"alg": "ES256", "jwk": OTHER.as_dict(private=False)}, claims, OTHER, "ES256"),
        "jku": forge({"alg": "ES256", "jku": "https://evil.example/jwks"}, claims, OTHER, "ES256"),
        "x5c": forge({"alg": "ES256", "x5c": ["MIIB"]}, claims, OTHER, "ES256"),
    }[how]

    assert_refused(await ask(provider, await outer(rp, text)), "invalid_request_object", rp, "s")
    pushed = await rp.post(PUSHED, {"client_id": rp.client_id, "request": text})
    assert (pushed.status, pushed.error) in ((400, "invalid_request_object"), (400, "use_dpop_nonce"))


BAD_CLAIMS: list[dict[str, Any]] = [
    {"aud": "https://evil.example"}, {"aud": None}, {"aud": ["https://evil.example"]}, {"exp": 1}, {"exp": None},
    {"nbf": 2**36}, {"iss": "other"}, {"iss": None}, {"client_id": "other"}, {"client_id": None},
    {"request_uri": "urn:ietf:params:oauth:request_uri:x"}, {"request": "x.y.z"}, {"exp": 2**37}, {"exp": 2**60},
]  # fmt: skip


@pytest.mark.parametrize("changes", BAD_CLAIMS, ids=str)
async def test_az31_an_object_for_others_or_at_another_time_is_refused(
    provider: Target, changes: dict[str, Any]
) -> None:
    rp = await provider.client(key=KEY)
    text = forge({"alg": "ES256"}, await claims_of(rp, **changes), KEY, "ES256")

    answer = redirected(await ask(provider, await outer(rp, text)))

    assert answer.error in ("invalid_request", "invalid_request_object")
    assert "code" not in answer.parameters


async def test_az31_only_signed_values_are_used(provider: Target, browser: HtmlBrowser) -> None:
    rp = await provider.client(key=KEY)
    claims = await claims_of(rp, scope="openid", state="inside", prompt=None)
    text = forge({"alg": "ES256"}, claims, KEY, "ES256")
    rp.requests["inside"] = list(rp.requests.values())[-1]
    sent = await outer(rp, text, scope="openid email", prompt="none", nonce="outside", login_hint="x", max_age="0")
    answer = await browser.finish(rp, await browser.open(url_of(rp, sent), came_from_elsewhere=True))

    assert answer.state == "inside"
    assert (await rp.redeem(answer.code)).body["scope"] == "openid"


async def test_az31_an_object_that_never_ends_is_answered_once(provider: Target, browser: HtmlBrowser) -> None:
    """Profile oidc does without a near end; its jti is remembered all the same, and no date is too far to count."""
    rp = await provider.client(profile=Profile.OIDC, key=KEY)
    claims = await claims_of(rp, exp=2**37 - 1, jti="j", state="once")
    text = forge({"alg": "ES256"}, claims, KEY, "ES256")
    rp.requests["once"] = rp.requests["s"] = list(rp.requests.values())[-1]

    answers = []
    for _ in range(2):
        page = await browser.open(url_of(rp, await outer(rp, text)), came_from_elsewhere=True)
        answers.append(await browser.finish(rp, page))

    assert [answer.error for answer in answers] == [None, "invalid_request_object"]


ELSEWHERE = ["http://169.254.169.254/latest/meta-data", "https://rp.example/request.jwt", "file:///etc/passwd",
             "http://127.0.0.1:1/", "urn:example:x", "URN:ietf:params:oauth:request_uri:x", "data:,x"]  # fmt: skip


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("uri", ELSEWHERE)
async def test_az33_a_request_uri_is_refused_without_being_fetched(
    provider: Target, profile: Profile, uri: str
) -> None:
    """Nothing but loopback can be reached from tests: a fetch would raise."""
    rp = await of_profile(provider, profile)
    sent = await parameters_of(rp, request_uri=uri)

    assert_refused(await ask(provider, sent), "request_uri_not_supported", rp, sent["state"])


@pytest.fixture(scope="module")
async def website() -> AsyncIterator[Hosted]:
    async with hosted() as site:
        yield site


@pytest.fixture(scope="module")
async def fetching(tmp_path_factory: pytest.TempPathFactory, website: Hosted) -> AsyncIterator[Target]:
    """A provider that may fetch from one place of its clients."""
    folder = tmp_path_factory.mktemp("fetching")
    async with target("sqlite", folder, outbound_allow=website.place) as running:
        yield running


async def test_az33_only_what_was_registered_is_fetched(fetching: Target, website: Hosted) -> None:
    """With a reference registered, no other address, spelling or client makes the provider connect anywhere."""
    website.put("/request.jwt", b"x.y.z", "application/jwt")
    uri = website.url("/request.jwt")
    rp = await fetching.client(profile=Profile.OIDC, key=KEY, request_uris=[uri])
    other = await fetching.client(profile=Profile.OIDC, key=KEY)
    wrong = [
        *ELSEWHERE,
        f"{uri}?x",
        f"{uri}#x",
        f"{uri}/",
        uri.replace("127.0.0.1", "localhost"),
        website.url("/other"),
    ]

    answers = [redirected(await ask(fetching, await parameters_of(rp, request_uri=each))) for each in wrong]
    foreign = redirected(await ask(fetching, await parameters_of(other, request_uri=uri)))
    for path in ("/par", "/token", "/introspect", "/revoke"):  # where no reference means anything
        await fetching.http.post(f"{rp.issuer}{path}", data={"client_id": rp.client_id, "request_uri": uri})

    assert {answer.error for answer in answers} == {"invalid_request_uri"}
    assert foreign.error == "request_uri_not_supported"
    assert website.asked == []


async def test_az34_a_pushed_request_opens_once_in_time_and_for_its_client(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    other = await provider.client()
    spent, late, foreign = [await reference(rp) for _ in range(3)]
    assert (await visit(browser, rp, spent)).code
    wrong = [(rp, spent), (other, foreign), (rp, PREFIX + "A" * 43), (rp, PREFIX), (rp, foreign + "A")]

    for client, uri in wrong:
        assert_error_page(await ask(provider, {"client_id": client.client_id, "request_uri": uri}))
    provider.clock.advance(lifetimes.PUSHED_REQUEST)
    assert_error_page(await ask(provider, {"client_id": rp.client_id, "request_uri": late}))


async def test_az35_a_push_that_should_not_be_is_refused(provider: Target, rp: RelyingParty) -> None:
    public, sent = await provider.client(method="none"), await parameters_of(rp)

    inside = await push(rp, request_uri=PREFIX + "A" * 43)
    wrong = await rp.post(PUSHED, sent, auth=Basic("wrong"))
    nobody = await rp.post(PUSHED, {name: value for name, value in sent.items() if name != "client_id"}, auth=Public())
    of_another = await public.post(PUSHED, {**sent, "client_secret": "x"}, auth=Public())
    got = await provider.http.get(f"{provider.issuer}/par", params=sent)
    huge = await send(provider, "POST", "/par", body=b"state=" + b"x" * 10_000_000,
                      headers=[(b"content-type", b"application/x-www-form-urlencoded")])  # fmt: skip

    assert (inside.status, inside.error) == (400, "invalid_request")
    assert [(each.status, each.error) for each in (wrong, nobody)] == [(401, "invalid_client")] * 2
    assert of_another.status in (400, 401)
    assert (got.status_code, huge.status) == (405, 413)


async def test_az35_a_flood_of_pushes_ends_and_hits_no_other_client(tmp_path: Path) -> None:
    """A client that anybody may speak for fills the store no further; one with a secret pushes on."""
    async with target("sqlite", tmp_path, rate_limits="on") as provider:
        public, trusted = await provider.client(profile=Profile.NATIVE), await provider.client()
        bad = {"client_id": public.client_id, "response_type": "code"}

        async def attempt() -> int:
            return (await provider.http.post(f"{provider.issuer}/par", data=bad)).status_code

        statuses = [status for _ in range(31) for status in await asyncio.gather(*(attempt() for _ in range(20)))]

        assert statuses.count(400) == PUSHES
        assert statuses[-1] == 429
        assert (await push(trusted)).status == 201
        assert len(await provider.rows("pushed_requests")) == 1
