"""Access to the administrators' API – RFC 6750 §2.1, §3; RFC 9068 §4; RFC 9470 §3; RFC 6749 §3.3."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.permission import Permission as P
from idp.domain.permission import scope_of
from idp.domain.user import Role, UserStatus
from idp.flows.admin.catalog import OPERATIONS
from idp.policy.administration import PERMISSIONS
from tests.support.admin_api import Api, api, by_person, machine, machine_client, person_api, somebody
from tests.support.factors import with_totp
from tests.support.jose import forge, parts
from tests.support.provider import HOUR, MINUTE, SECOND, HandClock, Provider
from tests.support.relying_party import Answer

STALE = 5 * MINUTE + SECOND


def assert_challenged(answer: Answer, status: int, error: str) -> None:
    assert answer.status == status, answer.text
    assert f'error="{error}"' in answer.headers["www-authenticate"]
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == f"urn:idp:problem:{error}"


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Basic Zm9vOmJhcg==", "DPoP", "Digest x"])
async def test_without_a_token_the_challenge_is_bare(provider: Provider, header: str | None) -> None:
    """RFC 6750 §3.1: no error for whoever did not try."""
    nobody = api(provider, None)

    answer = await nobody.get("/users", **({} if header is None else {"authorization": header}))

    described = f"{provider.issuer}/.well-known/oauth-protected-resource/api/admin/v1"
    bare = f'Bearer realm="administration", resource_metadata="{described}"'
    assert (answer.status, answer.headers["www-authenticate"]) == (401, bare)


@pytest.mark.parametrize("token", ["x", "x" * 43, "a.b.c", "e30.e30.e30", "x y", "x, Bearer y", "x" * 10_000])
async def test_a_token_that_is_none_of_ours_is_invalid(provider: Provider, token: str) -> None:
    """RFC 6750 §3.1, invalid_token."""
    assert_challenged(await api(provider, token).get("/users"), 401, "invalid_token")


async def test_a_token_in_the_url_is_none(provider: Provider) -> None:
    """RFC 9700 §2.2.1: it would stand in logs."""
    bearer = await machine(provider)

    answer = await api(provider, None).get(f"/users?access_token={bearer.token}")

    assert answer.status == 401


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_a_client_by_itself_may_what_its_scopes_carry(each_provider: Provider, token_format: str) -> None:
    """RFC 6749 §4.4: from registration to answer, in both formats, on both databases."""
    client = await machine_client(each_provider, P.GROUPS_READ, access_token_format=token_format)
    bearer = api(each_provider, (await client.token(grant_type="client_credentials")).access_token)

    assert (await bearer.get("/groups")).status == 200
    assert_challenged(await bearer.get("/users"), 403, "insufficient_scope")


async def test_what_is_missing_is_named_by_its_scope(provider: Provider) -> None:
    """RFC 6750 §3.1: scope says what would be needed."""
    answer = await (await machine(provider, P.GROUPS_READ)).post("/groups", {"name": "x"})

    assert 'scope="admin:groups.write"' in answer.headers["www-authenticate"]


async def test_a_person_may_what_both_role_and_scopes_carry(provider: Provider) -> None:
    """RFC 6750 §3.1: a role that lacks it is no matter of the token, so there is no challenge."""
    person = await somebody(provider, Role.SUPPORT)
    bearer = await by_person(provider, person, P.USERS_READ, P.KEYS_READ)

    assert (await bearer.get("/users")).status == 200
    assert_challenged(await bearer.get("/groups"), 403, "insufficient_scope")
    lacking = await bearer.get("/keys")
    assert (lacking.status, lacking.body["type"]) == (403, "urn:idp:problem:forbidden")
    assert "www-authenticate" not in lacking.headers


@pytest.mark.parametrize("role", [None, *Role], ids=str)
async def test_every_operation_is_refused_without_its_permission(provider: Provider, role: Role | None) -> None:
    """Deny by default: 403 whatever is sent, and a row in the trail for each."""
    held = frozenset(P) if role is not None else frozenset({P.DASHBOARD_READ})
    bearer = await (machine(provider, *held) if role is None else person_api(provider, role))
    allowed = held if role is None else PERMISSIONS[role]
    before = await refusals(provider)

    refused = [each for each in OPERATIONS.values() if each.permission not in allowed]
    for operation in refused:
        answer = await bearer.send(operation.method, operation.path.replace("{", "").replace("}", ""))
        assert answer.status == 403, (operation.name, answer.text)

    assert await refusals(provider) - before == len(refused)


async def refusals(provider: Provider) -> int:
    async with provider.site.transactions.open(write=False) as stores:
        return len(await stores.events.list(kind="admin_refused", limit=10_000))


async def test_a_role_that_was_taken_away_counts_at_once(provider: Provider) -> None:
    """The role is looked up at each call, not when the token was made."""
    person = await somebody(provider, Role.ADMINISTRATOR)
    bearer = await by_person(provider, person)
    assert (await bearer.get("/users")).status == 200

    async with provider.site.transactions.open(write=True) as stores:
        await stores.users.save(replace(person.user, role=Role.USER))

    assert (await bearer.get("/users")).status == 403


@pytest.mark.parametrize("end", ["session", "account", "client", "token", "expiry"])
async def test_whatever_ends_a_token_ends_access(provider: Provider, clock: HandClock, end: str) -> None:
    """RFC 6750 §3.1: live, as at userinfo."""
    person = await somebody(provider, Role.ADMINISTRATOR)
    bearer = await by_person(provider, person)
    assert (await bearer.get("/users?limit=1")).status == 200
    match end:
        case "session":
            async with provider.site.transactions.open(write=True) as stores:
                await stores.sessions.end_all_of(person.id, clock.now())
        case "account":
            await provider.site.users.set_status(person.user, UserStatus.DISABLED)
        case "client":
            (client, *_) = [each for each in await provider.site.clients.list() if each.id == _client_of(bearer)]
            await provider.site.clients.set_active(client, is_active=False)
            await provider.settle()
        case "token":
            async with provider.site.transactions.open(write=True) as stores:
                await stores.grants.revoke_of_user(person.id, clock.now())
        case "expiry":
            clock.advance(5 * MINUTE)

    assert_challenged(await bearer.get("/users"), 401, "invalid_token")


def _client_of(bearer: Api) -> str:
    return str(parts(bearer.token or "")[1]["client_id"])


async def test_a_token_for_others_is_none_for_us(provider: Provider) -> None:
    """RFC 9068 §4: aud; and cnf, since a bound token that comes as a bearer token was taken from somebody."""
    bearer = await machine(provider)
    claims = parts(bearer.token or "")[1]

    def signed(**changes: object) -> Api:
        return api(provider, provider.site.engine.keyring.sign({**claims, **changes}, alg="ES256", typ="at+jwt"))

    assert (await signed().get("/groups")).status == 200
    assert (await signed(aud=f"{provider.issuer}/api/admin/v1").get("/groups")).status == 200
    assert_challenged(await signed(aud="https://api.example").get("/groups"), 401, "invalid_token")
    assert_challenged(await signed(cnf={"jkt": "x"}).get("/groups"), 401, "invalid_token")
    assert_challenged(
        await api(provider, forge({"alg": "none", "typ": "at+jwt"}, claims, None, "none")).get("/groups"),
        401,
        "invalid_token",
    )


async def test_dangerous_things_ask_for_a_sign_in_within_five_minutes(provider: Provider, clock: HandClock) -> None:
    """RFC 9470 §3: the challenge says what would do, and doing it helps."""
    person, victim = await somebody(provider, Role.OWNER), await provider.person()
    async with provider.browser(person) as browser:
        rp = await provider.client(is_first_party=True, scope="openid admin:users.write")
        await rp.redeem(await browser.authorize(rp))
        clock.advance(STALE)
        stale = api(provider, (await rp.redeem(await browser.authorize(rp))).access_token)

        refused = await stale.send("DELETE", f"/users/{victim.id}")
        fresh = api(provider, (await rp.redeem(await browser.authorize(rp, max_age="300"))).access_token)

        assert_challenged(refused, 401, "insufficient_user_authentication")
        assert 'max_age="300"' in refused.headers["www-authenticate"]
        assert "acr_values" not in refused.headers["www-authenticate"]
        assert (await fresh.send("DELETE", f"/users/{victim.id}")).status == 204


async def test_whoever_has_a_second_factor_must_have_used_it(provider: Provider, clock: HandClock) -> None:
    """RFC 9470 §3: a password alone is not enough for an account that has more."""
    person, victim = await somebody(provider, Role.OWNER), await provider.person()
    bearer = await by_person(provider, person)
    await with_totp(provider, person)

    refused = await bearer.send("DELETE", f"/users/{victim.id}")

    assert_challenged(refused, 401, "insufficient_user_authentication")
    assert 'acr_values="urn:idp:loa:2"' in refused.headers["www-authenticate"]
    assert (await bearer.get(f"/users/{victim.id}")).status == 200


async def test_two_factors_are_enough(provider: Provider, clock: HandClock) -> None:
    """RFC 9470 §3: a token of acr loa:2 meets what the challenge asks."""
    person, victim = await somebody(provider, Role.OWNER), await provider.person()
    app = await with_totp(provider, person)
    rp = await provider.client(is_first_party=True, scope="openid admin:users.write")
    async with provider.browser(person) as browser:
        await browser.open((await rp.authorization_request(max_age="300", acr_values="urn:idp:loa:2")).url)
        await browser.sign_in()
        page = await browser.submit("otp-submit", otp_code=app.code(clock.now()))
        tokens = await rp.redeem((await browser.finish(rp, page)).code)

    assert (await api(provider, tokens.access_token).send("DELETE", f"/users/{victim.id}")).status == 204


async def test_a_client_is_fresh_while_its_token_is_new(provider: Provider, clock: HandClock) -> None:
    """RFC 9470 §3, for applications by themselves: an opaque token lives longer than five minutes."""
    client = await machine_client(provider, P.USERS_WRITE, access_token_format="opaque")
    bearer = api(provider, (await client.token(grant_type="client_credentials")).access_token)
    first, second = await provider.person(), await provider.person()

    clock.advance(5 * MINUTE)
    assert (await bearer.send("DELETE", f"/users/{first.id}")).status == 204
    clock.advance(timedelta(microseconds=1))
    assert_challenged(await bearer.send("DELETE", f"/users/{second.id}"), 401, "insufficient_user_authentication")


async def test_scopes_of_administration_are_told_to_nobody(provider: Provider) -> None:
    """RFC 8414 §2: scopes_supported may leave scopes out, and leaves out these."""
    assert not [each for each in (await provider.metadata())["scopes_supported"] if each.startswith("admin")]


async def test_only_a_registered_scope_is_granted(provider: Provider) -> None:
    """RFC 6749 §3.3: asking is not enough, in either grant."""
    person = await somebody(provider, Role.OWNER)
    plain = await provider.client(is_first_party=True, scope="openid profile")
    both = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="orders.read")

    async with provider.browser(person) as browser:
        code = await browser.authorize(plain, scope="openid " + scope_of(P.USERS_READ))
        granted = (await plain.redeem(code)).body["scope"]
    alone = await both.token(grant_type="client_credentials", scope=scope_of(P.USERS_READ))

    assert granted == "openid"
    assert (alone.status, alone.error) == (400, "invalid_scope")


@pytest.mark.parametrize(("later", "status"), [(12 * HOUR, 200), (12 * HOUR + SECOND, 401)])
async def test_a_sign_in_is_good_for_administration_for_twelve_hours_whatever_its_refresh_token_is(
    provider: Provider, later: timedelta, status: int
) -> None:
    """RFC 9470 §3: as long as at the administrators' pages, also with offline_access."""
    keeper = await somebody(provider, Role.OWNER)
    rp = await provider.client(
        is_first_party=True, grant_types=["authorization_code", "refresh_token"],
        scope=f"openid offline_access {scope_of(P.USERS_READ)}",
    )  # fmt: skip
    async with provider.browser(keeper) as browser:
        first = await rp.redeem(await browser.authorize(rp))
    provider.clock.advance(later)

    refreshed = await rp.refresh(first.refresh_token)
    answer = await api(provider, refreshed.access_token).get("/users")

    assert answer.status == status
    if status == 401:
        assert 'error="insufficient_user_authentication"' in answer.headers["www-authenticate"]
        assert 'max_age="43200"' in answer.headers["www-authenticate"]
