"""Management of a registration by the client that holds its token – RFC 7592."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.client import Profile
from idp.flows import housekeeping
from tests.support.hosted import PNG, Hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider
from tests.support.registrant import Registrant, initial_token
from tests.support.relying_party import Answer

Json = dict[str, Any]
OTHER = "https://rp.example/other"


def assert_shut(answer: Answer) -> None:
    """RFC 7592 §2, RFC 6750 §3.1: 401, and nothing about the client."""
    assert (answer.status, answer.error) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_client_reads_what_is_stored_with_the_token_it_came_with(anybody: Registrant) -> None:
    """RFC 7592 §2.1, §3: 200, no-store, all members, the presented token; never the secret."""
    said = await anybody.registered(client_name="Harbour Books", contacts=["ops@rp.example"])
    answer = await anybody.read(said)

    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body == {
        name: value for name, value in said.items() if name not in ("client_secret", "client_secret_expires_at")
    }


async def test_an_update_replaces_all_members(open_provider: Provider, anybody: Registrant) -> None:
    """RFC 7592 §2.2: what is not sent goes back to its default."""
    said = await anybody.registered(
        client_name="Old", contacts=["ops@rp.example"], policy_uri="https://rp.example/p", default_max_age=5,
        grant_types=["authorization_code", "refresh_token"], scope="openid", require_auth_time=False,
    )  # fmt: skip
    answer = await anybody.replace(said, client_name="New", redirect_uris=[OTHER])

    assert answer.status == 200
    assert answer.body == (await anybody.read(said)).body
    assert (answer.body["client_name"], answer.body["redirect_uris"]) == ("New", [OTHER])
    assert not {"contacts", "policy_uri", "default_max_age", "client_secret"} & answer.body.keys()
    assert answer.body["grant_types"] == ["authorization_code"]
    assert answer.body["scope"].startswith("openid profile")
    assert answer.body["client_id_issued_at"] == said["client_id_issued_at"]
    assert answer.body["registration_access_token"] == said["registration_access_token"]
    client = await open_provider.site.clients.find(said["client_id"])
    assert client is not None
    assert client.redirect_uris == (OTHER,)


async def test_a_secret_survives_an_update(open_provider: Provider, anybody: Registrant) -> None:
    """RFC 7592 §2.2."""
    said = await anybody.registered()
    await anybody.replace(said, redirect_uris=[OTHER])
    rp = await anybody.client(open_provider, said | {"redirect_uris": [OTHER]})
    async with open_provider.browser(await open_provider.person()) as browser:
        assert (await rp.redeem(await browser.authorize(rp))).status == 200


async def test_another_way_to_authenticate_comes_with_a_new_secret_or_none(
    open_provider: Provider, anybody: Registrant
) -> None:
    """RFC 7592 §2.2: shown this once; the old one is dead, and the profile follows."""
    said = await anybody.registered()
    public = (await anybody.replace(said, token_endpoint_auth_method="none")).body
    profiles = [await open_provider.site.clients.find(said["client_id"])]
    again = (await anybody.replace(public, token_endpoint_auth_method="client_secret_post")).body
    profiles.append(await open_provider.site.clients.find(said["client_id"]))

    assert "client_secret" not in public
    assert again["client_secret"] not in ("", said["client_secret"])
    assert again["client_secret_expires_at"] == 0
    assert [client.profile for client in profiles if client] == [Profile.NATIVE, Profile.OAUTH21]
    assert (await anybody.replace(again, client_secret=said["client_secret"])).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None}, {"client_id": "other"}, {"client_id": 5}, {"client_secret": None},
        {"client_secret": "wrong"}, {"client_secret": ["x"]}, {"registration_access_token": "x"},
        {"registration_client_uri": "https://id.example/register/x"}, {"client_id_issued_at": 5},
        {"client_secret_expires_at": 0},
    ],
    ids=str,
)  # fmt: skip
async def test_an_update_repeats_id_and_secret_and_nothing_that_only_we_say(anybody: Registrant, changes: Json) -> None:
    """RFC 7592 §2.2."""
    said = await anybody.registered(client_name="Old")
    answer = await anybody.replace(said, client_name="New", **changes)

    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    assert (await anybody.read(said)).body["client_name"] == "Old"


async def test_a_client_without_a_secret_cannot_bring_one(anybody: Registrant) -> None:
    """RFC 7592 §2.2: no client chooses its own secret."""
    said = await anybody.registered(token_endpoint_auth_method="none")

    assert (await anybody.replace(said, token_endpoint_auth_method="none", client_secret="x" * 43)).status == 400
    assert (await anybody.replace(said, token_endpoint_auth_method="none")).status == 200


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"redirect_uris": ["http://rp.example/cb"]}, "invalid_redirect_uri"),
        ({"client_name": {}}, "invalid_client_metadata"),
        ({"userinfo_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"jwks_uri": "https://127.0.0.1/"}, "invalid_client_metadata"),
    ],
)
async def test_an_update_is_checked_like_a_registration_and_changes_nothing_when_refused(
    anybody: Registrant, members: Json, error: str
) -> None:
    """RFC 7592 §2.2, RFC 7591 §3.2.2."""
    said = await anybody.registered()
    before = (await anybody.read(said)).body

    answer = await anybody.replace(said, **members)

    assert (answer.status, answer.error) == (400, error)
    assert (await anybody.read(said)).body == before


async def test_an_update_goes_no_further_than_the_initial_token_went(provider: Provider) -> None:
    """RFC 7592 §2.2: its limits outlive it, and so does its profile."""
    token = await initial_token(
        provider, profile=Profile.OIDC, scopes=("openid", "orders.read"), grant_types=("authorization_code",), uses=1
    )
    holder = Registrant(provider.http, provider.issuer, token)
    said = await holder.registered(scope="openid")

    wider = await holder.replace(said, scope="openid orders.read email")
    assert wider.body["scope"] == "openid orders.read"
    assert (await holder.replace(said, grant_types=["authorization_code", "refresh_token"])).status == 400
    client = await provider.site.clients.find(said["client_id"])
    assert client is not None
    assert client.profile is Profile.OIDC


async def test_an_update_leaves_what_an_operator_set(open_provider: Provider, anybody: Registrant) -> None:
    """RFC 7592 §2.2: only the registrant's members are replaced; what an operator gave may stay asked for."""
    said = await anybody.registered()
    client = await open_provider.site.clients.find(said["client_id"])
    assert client is not None
    await open_provider.site.clients.update(
        client, {"audiences": ["https://api.example"], "scope": "openid orders.read", "brand_color": "#112233"}
    )

    answer = await anybody.replace(said, scope="openid orders.read", audiences=["https://evil.example"])
    changed = await open_provider.site.clients.find(said["client_id"])

    assert answer.body["scope"] == "openid orders.read"
    assert "audiences" not in answer.body
    assert changed is not None
    assert (changed.audiences, changed.brand_color) == (("https://api.example",), "#112233")


async def test_a_logo_follows_its_address(open_provider: Provider, anybody: Registrant, website: Hosted) -> None:
    """OIDC Registration §2: fetched when it changes, kept while it does not, gone with it."""
    one, two = website.put("/one.png", PNG, "image/png"), website.put("/two.png", PNG + b"2", "image/png")
    said = await anybody.registered(logo_uri=one)
    logo = f"{anybody.issuer}/brand/{said['client_id']}/logo"
    website.asked.clear()

    await anybody.replace(said, logo_uri=one)
    assert website.asked == []
    await anybody.replace(said, logo_uri=two)
    assert (await open_provider.http.get(logo)).content == PNG + b"2"
    await anybody.replace(said)
    assert (await open_provider.http.get(logo)).status_code == 404


async def test_a_deleted_client_is_gone_with_all_its_tokens(open_provider: Provider, anybody: Registrant) -> None:
    """RFC 7592 §2.3: 204, no content; its tokens and its own access are dead."""
    said = await anybody.registered(grant_types=["authorization_code", "refresh_token"])
    rp = await anybody.client(open_provider, said)
    async with open_provider.browser(await open_provider.person()) as browser:
        tokens = await rp.redeem(await browser.authorize(rp))
    assert (await rp.userinfo(tokens.access_token)).status == 200

    answer = await anybody.delete(said)
    await open_provider.settle()

    assert (answer.status, answer.text) == (204, "")
    assert (await rp.userinfo(tokens.access_token)).status == 401
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_client"
    for again in (anybody.read(said), anybody.replace(said), anybody.delete(said)):
        assert_shut(await again)


async def test_a_token_opens_its_own_client_and_no_other(anybody: Registrant) -> None:
    """RFC 7592 §2.1, §5: a foreign, wrong or missing token is told nothing."""
    mine, other = await anybody.registered(), await anybody.registered()
    foreign = other["registration_access_token"]

    for attempt in (anybody.read(mine, foreign), anybody.replace(mine, token=foreign), anybody.delete(mine, foreign),
                    anybody.read(mine, "x" * 43), anybody.send("GET", mine["registration_client_uri"], None),
                    anybody.read(mine, mine["client_secret"])):  # fmt: skip
        assert_shut(await attempt)
    assert (await anybody.read(mine)).status == 200


async def test_an_unknown_client_is_answered_like_a_wrong_token(anybody: Registrant) -> None:
    """RFC 7592 §2.1: 401, so that nobody learns which clients there are."""
    said = await anybody.registered()
    nobody = {**said, "registration_client_uri": f"{anybody.issuer}/register/nobody"}

    wrong, unknown = await anybody.read(said, "x"), await anybody.read(nobody)

    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert_shut(unknown)


async def test_a_client_that_an_operator_made_has_no_such_door(provider: Provider) -> None:
    """RFC 7592 §3: management begins with a registration."""
    rp = await provider.client()
    door = {"registration_client_uri": f"{provider.issuer}/register/{rp.client_id}"}

    for token in ("x", ""):
        assert_shut(
            await Registrant(provider.http, provider.issuer).send("GET", door["registration_client_uri"], token)
        )


async def test_a_disabled_client_cannot_help_itself(open_provider: Provider, anybody: Registrant) -> None:
    """RFC 7592 §2.1: what an operator switched off stays off."""
    said = await anybody.registered()
    client = await open_provider.site.clients.find(said["client_id"])
    assert client is not None
    await open_provider.site.clients.set_active(client, is_active=False)

    assert_shut(await anybody.read(said))
    assert_shut(await anybody.replace(said))
    assert_shut(await anybody.delete(said))


async def test_what_an_operator_says_meanwhile_is_not_undone(
    open_provider: Provider, anybody: Registrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 7592 §2.2: an update that was read before the operator's change is refused."""
    said = await anybody.registered()
    clients, flow = open_provider.site.clients, open_provider.site.registration
    assert flow is not None
    gather = flow._documents.gather

    async def slowly(*given: Any) -> Any:
        found = await clients.find(said["client_id"])
        assert found is not None
        await clients.update(replace(found), {"policy_uri": "https://rp.example/operators"})
        return await gather(*given)

    monkeypatch.setattr(flow._documents, "gather", slowly)
    answer = await anybody.replace(said, client_name="New")
    stored = await clients.find(said["client_id"])

    assert answer.status == 400
    assert stored is not None
    assert stored.policy_uri == "https://rp.example/operators"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_there_are_three_methods(anybody: Registrant, method: str) -> None:
    """RFC 7592 §2."""
    said = await anybody.registered()
    answer = await anybody.send(method, said["registration_client_uri"], said["registration_access_token"], {})

    assert answer.status == 405
    assert {"GET", "PUT", "DELETE"} <= set(answer.headers["allow"].split(", "))


async def test_an_unused_client_goes_after_thirty_days_and_a_used_one_stays(
    provider: Provider, invited: Registrant, browser: HtmlBrowser
) -> None:
    """RFC 7591 §5: registrations that nobody uses are swept, to the hour."""
    used, unused = await invited.registered(), await invited.registered()
    rp = await invited.client(provider, used)
    assert (await rp.redeem(await browser.authorize(rp))).status == 200
    sweep = housekeeping.sweep_registrations

    provider.clock.advance(timedelta(days=30) - timedelta(seconds=1))
    await sweep(provider.site.transactions, provider.clock)
    assert (await invited.read(unused)).status == 200
    provider.clock.advance(timedelta(seconds=1))
    assert await sweep(provider.site.transactions, provider.clock) >= 1

    assert_shut(await invited.read(unused))
    assert (await invited.read(used)).status == 200
    assert await sweep(provider.site.transactions, provider.clock) == 0
