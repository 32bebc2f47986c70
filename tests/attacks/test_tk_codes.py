"""TK02–TK06, TK19: codes that are raced, stolen, swapped or outlive their person (RFC 6749 §4.1.2, RFC 7636 §4.6)."""

import asyncio
import secrets

import pytest

from idp.domain.client import Profile
from idp.domain.user import UserStatus
from tests.support.attacker import through, within_a_second
from tests.support.client_auth import Basic, Public
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person
from tests.support.relying_party import Answer, RelyingParty, s256
from tests.support.target import Target

ROUNDS = 20
PARALLEL = 20


def refused(answer: Answer) -> bool:
    return (answer.status, answer.error) == (400, "invalid_grant")


async def test_tk02_of_parallel_redemptions_one_wins(either: Target) -> None:
    """Two workers, and every request with every proof right: one answer with tokens, one grant at the most."""
    rp, person = await either.client(is_first_party=True), await either.person()
    browser = either.browser(person)
    async with either.twin() as twin:
        doors = [rp, through(twin, rp)]
        for _ in range(ROUNDS):
            code = await browser.authorize(rp)
            answers = await asyncio.gather(*(doors[n % 2].redeem(code) for n in range(PARALLEL)))

            winners = [answer for answer in answers if answer.status == 200]
            assert len(winners) == 1
            assert sum(map(refused, answers)) == PARALLEL - 1
            # The losers held every proof: a replay, so what the winner got is dead (RFC 6749 §4.1.2) or still whole.
            alive = [await rp.is_active(winner.access_token) for winner in winners]
            assert sum(alive) <= 1
    assert len(await either.rows("grants")) == ROUNDS


async def test_tk03_a_replay_by_others_or_without_proof_harms_nobody(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    thief = await provider.client()
    code = await browser.authorize(rp)
    tokens = await rp.redeem(code)
    thief.codes.update(rp.codes)

    answers = [
        await thief.redeem(code),
        await rp.redeem(code, code_verifier=None),
        await rp.redeem(code, code_verifier=secrets.token_urlsafe(48)),
        await rp.redeem(code, redirect_uri="https://rp.example/other"),
    ]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri}
    without_secret = await rp.post("token_endpoint", fields, auth=Public())
    wrong_secret = await rp.post("token_endpoint", fields, auth=Basic("wrong"))

    assert all(map(refused, answers))
    assert [(each.status, each.error) for each in (without_secret, wrong_secret)] == [(401, "invalid_client")] * 2
    assert await rp.is_active(tokens.access_token)
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_tk03_a_replay_by_its_owner_ends_what_the_code_gave(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    code = await browser.authorize(rp)
    tokens = await rp.redeem(code)

    assert refused(await rp.redeem(code))

    assert not await rp.is_active(tokens.access_token)
    assert (await rp.userinfo(tokens.access_token)).status == 401
    assert refused(await rp.refresh(tokens.refresh_token))


async def test_tk04_a_code_is_worthless_to_another_client(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    other, public = await provider.client(), await provider.client(method="none")
    code = await browser.authorize(rp)
    other.codes.update(rp.codes)
    public.codes.update(rp.codes)

    by_other = await other.redeem(code)
    mixed = await other.redeem(code, client_id=rp.client_id)
    by_public = await public.redeem(code)
    posing = await rp.post(
        "token_endpoint",
        {"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri},
        auth=Public(),
    )

    assert refused(by_other)
    assert (mixed.status, mixed.error) == (401, "invalid_client")
    assert refused(by_public)
    assert (posing.status, posing.error) == (401, "invalid_client")
    assert (await rp.redeem(code)).status == 200


async def test_tk04_a_public_client_id_cannot_be_swapped(provider: Target, person: Person) -> None:
    one, two = await provider.client(method="none"), await provider.client(method="none")
    code = await provider.browser(person).authorize(one)
    two.codes.update(one.codes)

    assert refused(await two.redeem(code))
    assert (await one.redeem(code)).status == 200


@pytest.mark.parametrize(
    "wrong", [None, "", "short", "a" * 42, "a" * 129, "other flow", "challenge", "é" * 43, "a" * 43 + "\x00", "upper"]
)
async def test_tk06_no_verifier_but_the_right_one_redeems(
    rp: RelyingParty, browser: HtmlBrowser, wrong: str | None
) -> None:
    other = await browser.authorize(rp)
    code = await browser.authorize(rp)
    right = rp.codes[code].verifier
    verifiers = {"other flow": rp.codes[other].verifier, "challenge": s256(right), "upper": right.swapcase()}

    assert refused(await rp.redeem(code, code_verifier=verifiers.get(wrong or "", wrong)))
    assert (await rp.redeem(code)).status == 200


async def test_tk06_a_verifier_where_no_challenge_was_is_refused(provider: Target, browser: HtmlBrowser) -> None:
    """RFC 9700 §4.8.2: somebody stripped the challenge from the request."""
    rp = await provider.client(profile=Profile.OIDC)
    code = await browser.authorize(rp, code_challenge=None, code_challenge_method=None)

    assert refused(await rp.redeem(code))
    assert (await rp.redeem(code, code_verifier=None)).status == 200


async def test_tk06_the_fifth_wrong_verifier_burns_the_code(rp: RelyingParty, browser: HtmlBrowser) -> None:
    spared, burnt = await browser.authorize(rp), await browser.authorize(rp)
    for _ in range(4):
        assert refused(await rp.redeem(spared, code_verifier="x" * 43))
        assert refused(await rp.redeem(burnt, code_verifier="x" * 43))
    assert refused(await rp.redeem(burnt, code_verifier="x" * 43))

    assert (await rp.redeem(spared)).status == 200
    assert refused(await rp.redeem(burnt))


@pytest.mark.parametrize("end", ["disabled", "deleted", "password", "signed out", "client disabled", "client deleted"])
async def test_tk19_a_pending_code_dies_with_what_it_stands_on(fresh: Target, end: str) -> None:
    rp, person = await fresh.client(), await fresh.person()
    browser = fresh.browser(person)
    code = await browser.authorize(rp)

    match end:
        case "disabled":
            await fresh.site.users.set_status(person.user, UserStatus.DISABLED)
        case "deleted":
            await fresh.site.users.delete(person.user)
        case "password":
            await fresh.site.users.set_password(person.user, "another harbour at dawn")
        case "signed out":
            await browser.open(f"{fresh.issuer}/end_session")
            await browser.submit("logout-yes")
        case "client disabled":
            await fresh.site.clients.set_active(await fresh.registration(rp), is_active=False)
        case "client deleted":
            await fresh.site.clients.delete(await fresh.registration(rp))
    if end.startswith("client"):
        await within_a_second(lambda: rp.introspect("x"), status=401)
    answer = await rp.redeem(code)

    expected = (401, "invalid_client") if end.startswith("client") else (400, "invalid_grant")
    assert (answer.status, answer.error) == expected
