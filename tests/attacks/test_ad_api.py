"""AD02–AD07, AD11 at the administrators' API: foreign ids, members nobody may set, forms, secrets, two at once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from idp.domain.client import BadClient
from idp.domain.permission import Permission as P
from idp.domain.user import Role
from tests.support.admin_api import Api, api, by_person, machine, person_api, somebody
from tests.support.factors import with_recovery_codes, with_totp
from tests.support.jose import parts
from tests.support.registrant import Registrant, initial_token
from tests.support.target import Target, target

POWER = {
    "role": "owner",
    "is_admin": True,
    "mfa_required": False,
    "tenant": "x",
    "password": "x" * 20,
    "password_hash": "v1$x$2b$04$",
}
METADATA = {"client_name": "Books", "redirect_uris": ["https://rp.example/cb"]}


async def test_ad02_a_client_manager_reaches_their_own_clients_and_no_others(provider: Target) -> None:
    manager = await person_api(provider, Role.CLIENT_MANAGER)
    everything = await machine(provider)
    own = (await manager.made("/clients", metadata=METADATA))["id"]
    other = (await everything.made("/clients", metadata=METADATA))["id"]
    before = (await everything.get(f"/clients/{other}")).body

    listed = (await manager.get("/clients?limit=100")).body["items"]
    answers = [
        await manager.send(method, f"/clients/{other}{path}", body)
        for method, path, body in (
            ("GET", "", None), ("PATCH", "", {"metadata": {"client_name": "Mine"}}), ("DELETE", "", None),
            ("POST", "/rotate-secret", None), ("POST", "/disable", None), ("POST", "/enable", None),
            ("GET", "/managers", None),
        )
    ]  # fmt: skip

    nowhere = await manager.get("/clients/nobody-has-this")
    assert [each["id"] for each in listed] == [own]
    assert {answer.status for answer in answers} == {404}
    assert {answer.body["detail"] for answer in answers} == {nowhere.body["detail"]}
    assert (await everything.get(f"/clients/{other}")).body == before


async def test_ad04_who_looks_after_a_client_does_not_become_it(provider: Target) -> None:
    """Whoever could change a client that holds scopes of administration would hold them."""
    person = await somebody(provider, Role.CLIENT_MANAGER)
    manager, everything = await by_person(provider, person), await machine(provider)
    strong = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="admin:users.write")
    assert (await everything.send("PUT", f"/clients/{strong.client_id}/managers/{person.id}")).status == 204

    answers = [
        await manager.post(f"/clients/{strong.client_id}/rotate-secret"),
        await manager.send("PATCH", f"/clients/{strong.client_id}", {"metadata": {"client_name": "Mine"}}),
        await manager.post("/clients", {"metadata": {**METADATA, "scope": "openid admin:users.read"}}),
        await manager.post("/clients", {"metadata": METADATA, "first_party": True}),
        await everything.post("/clients", {"metadata": {**METADATA, "scope": "admin:users.read"}}),
    ]

    assert [answer.status for answer in answers] == [403] * 5
    assert (await manager.get(f"/clients/{strong.client_id}")).status == 200


async def test_ad04_whoever_registers_a_client_never_gets_such_scopes(provider: Target) -> None:
    """And loses them with the next change of their own, should an owner have given the client some."""
    scope = "openid admin:users.read"
    with pytest.raises(BadClient):
        await initial_token(provider, scopes=tuple(scope.split()))
    registrant = Registrant(provider.http, provider.issuer, await initial_token(provider))
    said = await registrant.registered(scope=scope)
    owner = await person_api(provider, Role.OWNER)

    given = await owner.send("PATCH", f"/clients/{said['client_id']}", {"metadata": {"scope": scope}})

    assert said["scope"] == "openid"
    assert given.body["metadata"]["scope"] == scope
    assert (await registrant.replace(said, scope=scope)).body["scope"] == "openid"
    assert (await registrant.register(scope="admin:users.read")).status == 400


async def test_ad04_a_strangers_client_is_not_even_given_them(tmp_path: Path) -> None:
    async with target("sqlite", tmp_path, client_registration="open") as provider:
        said = await Registrant(provider.http, provider.issuer).registered(scope="openid admin:users.read")
        owner = await person_api(provider, Role.OWNER)

        given = await owner.send(
            "PATCH", f"/clients/{said['client_id']}", {"metadata": {"scope": "openid admin:users.read"}}
        )

        assert said["scope"] == "openid"
        assert given.status == 400


async def test_ad04_nobody_raises_themselves_or_reaches_up(provider: Target) -> None:
    person, owner = await somebody(provider, Role.ADMINISTRATOR), await somebody(provider, Role.OWNER)
    administrator = await by_person(provider, person)

    answers = [
        await administrator.send("PUT", f"/users/{person.id}/role", {"role": "owner"}),
        await administrator.send("PUT", f"/users/{owner.id}/role", {"role": "user"}),
        await administrator.send("DELETE", f"/users/{owner.id}"),
        await administrator.post(f"/users/{owner.id}/reset-factors"),
        await administrator.post(f"/users/{owner.id}/disable"),
        await administrator.send("PATCH", f"/users/{owner.id}", {"email": "eve@example.org"}),
    ]

    assert {answer.status for answer in answers} == {403}


async def test_ad03_an_input_sets_its_own_members_and_nothing_else(provider: Target) -> None:
    everything = await machine(provider)
    made = await everything.made("/users", username="ada-of-the-api", invite=False)
    path = f"/users/{made['id']}"

    for name, value in {**POWER, "status": "active", "sub": "x", "created_at": "2000-01-01T00:00:00Z"}.items():
        for method, where, more in (
            ("POST", "/users", {"username": f"eve-{name}", "invite": False}),
            ("PATCH", path, {}),
            ("PATCH", path, {"claims": {}}),
        ):
            answer = await everything.send(method, where, {**more, name: value})
            assert (answer.status, answer.body["errors"][0]["member"]) == (400, name)
    for name in ("sub", "email_verified", "groups", "acr"):
        assert (await everything.send("PATCH", path, {"claims": {name: "x"}})).status == 400

    after = (await everything.get(path)).body
    assert after == made
    assert (await everything.get("/users?find=eve-role")).body["items"] == []


async def test_ad05_no_form_no_foreign_script_no_disguised_method(provider: Target) -> None:
    everything = await machine(provider)
    group = await everything.made("/groups", name="kept whatever comes")
    path = f"/groups/{group['id']}"

    statuses = [
        (await api(provider, None).post("/groups", {"name": "x"})).status,
        (await everything.post("/groups", {"name": "x"}, origin="https://evil.example")).status,
        (await everything.get("/groups", origin="null")).status,
        (await everything.post("/groups", '{"name":"x"}', content_type="text/plain")).status,
        (await everything.post("/groups", "name=x", content_type="application/x-www-form-urlencoded")).status,
        (await everything.post("/groups", '{"name":"x"}', content_type="multipart/form-data; boundary=x")).status,
        (await everything.post(path, {}, x_http_method_override="DELETE")).status,
        (await everything.post(f"{path}?_method=DELETE", {})).status,
        (await everything.send("PATCH", path, {"_method": "DELETE"})).status,
        (await everything.send("OPTIONS", "/groups", origin="https://evil.example")).status,
    ]

    assert statuses == [401, 403, 403, 415, 415, 415, 405, 405, 400, 405]
    assert (await everything.get(path)).body == group
    assert (await everything.get("/groups", origin=provider.issuer)).status == 200


async def test_ad05_a_browsers_session_opens_nothing_here(provider: Target) -> None:
    """AD19: the cookie of the pages is none of the API's."""
    person = await somebody(provider, Role.OWNER)
    browser = provider.browser(person)
    await browser.open(f"{provider.issuer}/account/sign-in")
    await browser.sign_in()

    response = await browser._http.get(f"{provider.issuer}/api/admin/v1/users")

    assert response.status_code == 401


async def test_ad07_no_secret_is_ever_shown_again(provider: Target) -> None:
    """Hashes, seeds, codes, tokens: not in any list, any single thing, any export, and none to filter or sort by."""
    everything = await machine(provider)
    person = await provider.person()
    app = await with_totp(provider, person)
    codes = await with_recovery_codes(provider, person)
    made = await everything.made("/clients", metadata=METADATA)
    secret = made["client_secret"]
    hidden = [secret, app.seed, *codes, "$2b$", "v1$"]

    texts = [
        (await everything.get(path, accept=accept)).text
        for path in (
            "/clients?limit=100", f"/clients/{made['id']}", "/users?limit=100", f"/users/{person.id}",
            f"/users/{person.id}/credentials", "/sessions", "/messages", "/events?limit=100", "/settings", "/keys",
            "/invitations",
        )
        for accept in ("application/json", "text/csv", "application/x-ndjson")
    ]  # fmt: skip

    assert not [value for value in hidden for text in texts if value in text]
    for query in ("client_secret=x", "sort=client_secret", "password_hash=x", "secret_digests=x", "order=password"):
        assert (await everything.get(f"/clients?{query}")).status == 400
        assert (await everything.get(f"/users?{query}")).status == 400


async def test_ad07_the_master_key_is_no_setting_to_be_read(provider: Target) -> None:
    text = (await (await machine(provider, P.SETTINGS_READ)).get("/settings")).text

    assert provider.environment["IDP_MASTER_KEY"] not in text


@pytest.mark.parametrize(
    "value",
    [
        json.dumps(["x"] * 10_000),
        json.dumps({f"m{n}": 1 for n in range(5_000)}),
        "[" * 5_000 + "]" * 5_000,
        '"a\\u0000b"', '"a\\u001bb"', '"a\\u202eb"', '"a\\u0085b"', '"\\udc00"', "1e999", "-0", "1" * 5_000,
    ],
    ids=range(11),
)  # fmt: skip
@pytest.mark.parametrize(
    ("path", "member"),
    [("/groups", "name"), ("/users", "username"), ("/users", "groups"), ("/users", "claims"), ("/clients", "metadata"),
     ("/users/bulk", "ids"), ("/invitations", "email"), ("/clients", "client_id")],
)  # fmt: skip
async def test_ad03_no_value_is_too_odd_to_be_refused(provider: Target, path: str, member: str, value: str) -> None:
    answer = await (await machine(provider)).post(path, f'{{"{member}":{value}}}')

    assert answer.status in (400, 413), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.text) < 20_000


@pytest.mark.parametrize("path", ["a%00b", "%ff", "%e2%80%ae", "..", "a;b", "a%2fb", "x" * 200, "%27%20or%201=1--"])
async def test_ad02_no_id_is_too_odd_to_be_unknown(provider: Target, path: str) -> None:
    everything = await machine(provider)

    for kind in ("users", "groups", "clients"):
        assert (await everything.get(f"/{kind}/{path}")).status in (400, 404)


async def test_ad11_of_two_changes_at_once_one_is_stale(either: Target) -> None:
    everything = await machine(either)
    group = await everything.made("/groups", name="raced")

    answers = await asyncio.gather(
        *(
            everything.send(
                "PATCH", f"/groups/{group['id']}", {"description": str(n)}, if_match=f'"{group["version"]}"'
            )
            for n in range(6)
        )
    )

    assert sorted(answer.status for answer in answers) == [200, *[412] * 5]
    done = next(answer for answer in answers if answer.status == 200)
    assert (await everything.get(f"/groups/{group['id']}")).body == done.body


async def test_ad11_the_last_owner_stays_whoever_else_goes_at_once(either: Target) -> None:
    owners = [await somebody(either, Role.OWNER) for _ in range(2)]
    bearers: list[Api] = [await by_person(either, each) for each in owners]

    answers: list[Any] = await asyncio.gather(
        bearers[0].send("DELETE", f"/users/{owners[1].id}"), bearers[1].send("DELETE", f"/users/{owners[0].id}")
    )

    assert sorted(answer.status for answer in answers)[0] == 204
    assert sum(answer.status == 204 for answer in answers) == 1


async def test_ad11_who_did_it_stands_in_the_trail_with_the_request(provider: Target) -> None:
    person = await somebody(provider, Role.OWNER)
    bearer = await by_person(provider, person)

    made = await bearer.post("/groups", {"name": "trailed"})
    refused = await bearer.post("/groups", {"name": "trailed"})

    rows = {row["request_id"]: row for row in await provider.rows("events")}
    for answer, result in ((made, "done"), (refused, "refused")):
        row = rows[answer.headers["x-request-id"]]
        assert (row["actor_kind"], row["actor_id"], row["actor_role"]) == ("user", person.id, "owner")
        assert row["result"] == result
        assert json.loads(row["detail"])["via"] == parts(bearer.token or "")[1]["client_id"]
