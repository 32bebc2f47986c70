"""A token family that turns up where it has never been: the person signs in again (docs/behaviour.md)."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from idp.domain.client import Profile
from tests.support.careful import ELSEWHERE, HOME, Visitor, careful_provider
from tests.support.dpop import ProofKey, send
from tests.support.provider import MINUTE, Provider
from tests.support.relying_party import Answer, RelyingParty

NEIGHBOUR = "192.0.2.77"  # another address of the same provider


def asn_file(path: Path) -> str:
    writer = MMDBWriter(4, "GeoLite2-ASN", languages=["en"], description="made for this test")
    for network, number in (("192.0.2.0/24", 64496), ("203.0.113.0/24", 64511)):
        writer.insert_network(IPSet([network]), {"autonomous_system_number": number})
    writer.to_db_file(str(path))
    return str(path)


EVERY_POLICY = pytest.mark.parametrize("provider", ["balanced", "quiet", "revoking"], indirect=True)
BALANCED = pytest.mark.parametrize("provider", ["balanced"], indirect=True)


@pytest.fixture(scope="module")
async def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder = tmp_path_factory.mktemp("motion")
    policy = request.param
    if policy == "revoking":  # what `strict` does to a moved family, and nothing else of it
        policy = str(folder / "revoke.toml")
        Path(policy).write_text(
            'schema = 1\nbreak_glass = { group = "break-glass" }\n[[rule]]\nid = "moved-session"\n'
            'when = { event = "refresh", signals.any = ["SESSION_MOVED", "DPOP_KEY_CHANGED"] }\n'
            'require = { acr = "loa:1", max_age = "0s" }\neffects = ["revoke_family"]\n'
        )
    settings = {"IDP_POLICY_FILE": policy, "IDP_ASN_DB": asn_file(folder / "asn.mmdb")}
    async with careful_provider(folder, "sqlite", **settings) as provider:
        yield provider


async def tokens_at(provider: Provider, rp: RelyingParty, address: str = HOME) -> tuple[Visitor, Answer]:
    visitor = Visitor(provider, await provider.person(), address)
    page = await visitor.sign_in(rp)
    called_from(provider, rp, address)
    return visitor, await rp.redeem(rp.receive(page.answer()).code)


def called_from(provider: Provider, rp: RelyingParty, address: str) -> None:
    """Let the client's next calls come from an address."""
    rp.http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(provider.transport.app, client=(address, 1)), trust_env=False
    )


@EVERY_POLICY
async def test_a_refresh_from_the_same_network_is_nothing(provider: Provider) -> None:
    rp = await provider.client()
    _visitor, tokens = await tokens_at(provider, rp)
    called_from(provider, rp, NEIGHBOUR)

    assert (await rp.refresh(tokens.refresh_token)).status == 200


@pytest.mark.parametrize(
    ("provider", "status", "later"),
    [("quiet", 200, 200), ("balanced", 400, 200), ("revoking", 400, 400)],
    indirect=["provider"],
)
async def test_a_refresh_from_a_network_that_is_new_to_the_family_does_what_the_policy_says(
    provider: Provider, status: int, later: int
) -> None:
    """`quiet` tells its person only, `balanced` refuses this refresh, and a policy may end the family."""
    rp = await provider.client()
    _visitor, tokens = await tokens_at(provider, rp)
    called_from(provider, rp, ELSEWHERE)

    answer = await rp.refresh(tokens.refresh_token)

    assert (answer.status, answer.error) == (status, None if status == 200 else "invalid_grant")
    called_from(provider, rp, HOME)
    newest = answer.refresh_token if status == 200 else tokens.refresh_token
    assert (await rp.refresh(newest)).status == later


@BALANCED
async def test_the_session_is_asked_for_more_at_the_next_authorization(provider: Provider) -> None:
    rp = await provider.client()
    visitor, tokens = await tokens_at(provider, rp)
    called_from(provider, rp, ELSEWHERE)
    await rp.refresh(tokens.refresh_token)
    called_from(provider, rp, HOME)
    provider.clock.advance(MINUTE)

    page = await visitor.arrive(rp)

    assert page.name == "step-up"


@EVERY_POLICY
async def test_a_network_that_the_person_signed_in_from_is_no_surprise(provider: Provider) -> None:
    """Of a public client: its calls come from where the person is."""
    rp = await provider.client(method="none")
    visitor, tokens = await tokens_at(provider, rp)
    elsewhere = Visitor(provider, visitor.person, ELSEWHERE)
    assert (await elsewhere.sign_in(rp)).location is not None
    called_from(provider, rp, ELSEWHERE)

    assert (await rp.refresh(tokens.refresh_token)).status == 200


@pytest.mark.parametrize(
    ("provider", "later"), [("quiet", 200), ("balanced", 200), ("revoking", 400)], indirect=["provider"]
)
async def test_another_key_is_refused_whatever_the_policy_says_and_may_end_the_family(
    provider: Provider, later: int
) -> None:
    """RFC 9449 §5: a public client's refresh token is its key's; DPOP_KEY_CHANGED is judged like a move."""
    rp = await provider.client(profile=Profile.NATIVE)
    own, thief = (ProofKey(now=provider.clock.timestamp) for _ in range(2))
    url = f"{rp.issuer}/token"
    visitor = Visitor(provider, await provider.person(), HOME)
    code = rp.receive((await visitor.sign_in(rp)).answer()).code
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri,
              "code_verifier": rp.codes[code].verifier}  # fmt: skip
    token = (await send(rp, "token_endpoint", own.proof("POST", url), **fields)).refresh_token

    async def refreshed(key: ProofKey) -> int:
        proof = key.proof("POST", url)
        return (await send(rp, "token_endpoint", proof, grant_type="refresh_token", refresh_token=token)).status

    assert await refreshed(thief) == 400
    assert await refreshed(own) == later
