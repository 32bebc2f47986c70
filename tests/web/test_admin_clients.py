"""The pages about clients: what is typed is checked line by line, kept when it is refused, and done once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, KeySet

from idp.domain.client import AuthMethod, Profile
from idp.domain.user import Role
from idp.policy.lifetimes import SHOWN_ONCE
from tests.support.careful import Visitor, careful_provider
from tests.support.client_pages import CALLBACK, give, go, make, somebody
from tests.support.provider import DAY, Provider

KINDS = ("web", "spa", "native", "machine", "api", "fapi", "agent", "device", "ciba")


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("clients")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An owner who has just proved everything."""
    return await somebody(provider)


async def test_the_first_question_is_what_is_connected(keeper: Visitor) -> None:
    page = await go(keeper, "/new")

    offered = [id for id in page.document.texts if id.startswith("kind-")]
    chosen = await keeper.browser.submit("kind-spa")

    assert offered == [f"kind-{kind}" for kind in KINDS]
    assert chosen.name == "client-form"
    assert "none" in chosen.text("client-defaults")


async def test_a_kind_that_does_not_exist_here_has_no_page(keeper: Visitor) -> None:
    for kind in ("nothing", "%00"):
        assert (await go(keeper, f"/new/{kind}")).status == 404


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "fapi"])
async def test_a_client_of_each_kind_is_registered_by_name_and_address_alone(
    provider: Provider, keeper: Visitor, kind: str
) -> None:
    page = await make(keeper, kind)

    assert page.name == "client-made", page.response.text
    client = await provider.site.clients.find(page.text("client-id"))
    assert client is not None
    assert client.name == "Corner Shop"
    assert page.has("client-secret") == client.is_confidential == (kind in ("web", "machine", "api", "ciba"))
    assert client.redirect_uris == (() if kind in ("machine", "api", "device", "ciba") else (CALLBACK,))
    assert page.text("discovery") == f"{provider.issuer}/.well-known/openid-configuration"


async def test_a_client_of_high_value_has_a_key_and_no_secret(provider: Provider, keeper: Visitor) -> None:
    form = await go(keeper, "/new/fapi")
    without = await make(keeper, "fapi", redirect_uris=CALLBACK)
    keys = json.dumps(KeySet([ECKey.generate_key("P-256")]).as_dict(private=False))
    page = await make(keeper, "fapi", redirect_uris=CALLBACK, jwks=keys)

    assert "DPoP" in form.text("client-defaults")
    assert not form.has("auth-method"), "without a listener for certificates there is no other method"
    assert (without.status, "public keys" in without.response.text) == (400, True)
    assert (page.name, page.has("client-secret")) == ("client-made", False)
    client = await provider.site.clients.find(page.text("client-id"))
    assert client is not None
    assert (client.profile, client.auth_method) == (Profile.FAPI2, AuthMethod.PRIVATE_KEY_JWT)
    assert "buildAuthorizationUrlWithPAR" in page.text("snippet-openid_client-text")
    assert "getDPoPHandle" in page.text("snippet-openid_client-text")
    assert "pushed requests (required)" in page.text("snippet-generic-text")
    assert not page.has("snippet-authlib-text")


async def test_what_protects_a_client_is_ticked_kept_and_unticked(provider: Provider, keeper: Visitor) -> None:
    made = await make(keeper)
    client_id = made.text("client-id")
    await go(keeper, f"/{client_id}")

    await keeper.browser.submit("client-save", pushes=True, takes_nonce=True, request_alg="PS256")
    ticked = await provider.site.clients.find(client_id)
    page = await go(keeper, f"/{client_id}")
    await keeper.browser.submit("client-save", pushes=False)
    unticked = await provider.site.clients.find(client_id)

    assert not page.has("binds-to-certificate")
    for client, pushes in ((ticked, True), (unticked, False)):
        assert client is not None
        assert client.require_pushed_authorization_requests is pushes
        assert (client.require_dpop_nonce, client.dpop_bound_access_tokens) == (True, False)
        assert client.request_object_alg == "PS256"


async def test_a_certificate_is_named_where_some_are_asked_for(tmp_path: Path) -> None:
    async with careful_provider(tmp_path, IDP_MTLS_URL="https://mtls.id.example") as provider:
        keeper = await somebody(provider)
        two = await make(keeper, "fapi", redirect_uris=CALLBACK, auth_method="tls_client_auth",
                         certificate_subject_dn="CN=shop,C=GB", certificate_san_dns="shop.example")  # fmt: skip
        page = await make(keeper, "fapi", redirect_uris=CALLBACK, auth_method="tls_client_auth",
                          certificate_subject_dn="CN=shop,C=GB")  # fmt: skip
        client = await provider.site.clients.find(page.text("client-id"))
        await go(keeper, f"/{page.text('client-id')}")
        saved = await keeper.browser.submit("client-save", certificate_subject_dn="", certificate_san_dns="a.example")
        changed = await provider.site.clients.find(page.text("client-id"))

    assert (two.status, "exactly one of" in two.response.text) == (400, True)
    assert page.name == "client-made", page.response.text
    assert "TlsClientAuth" in page.text("snippet-openid_client-text")
    assert client is not None
    assert client.tls_client_auth_subject_dn == "CN=shop,C=GB"
    assert saved.status == 200
    assert changed is not None
    assert (changed.tls_client_auth_subject_dn, changed.tls_client_auth_san_dns) == (None, "a.example")


async def test_what_is_refused_comes_back_as_it_was_typed_with_a_reason_in_each_line(keeper: Visitor) -> None:
    typed = "\n".join(["https://good.example/cb", "https://*.evil.example/", "http://far.example/cb#x", "myapp:/cb"])

    page = await make(keeper, redirect_uris=typed, scope="openid custom")

    assert page.status == 400
    told = page.text("redirect-uris-refused")
    assert "https://*.evil.example/: has a wildcard" in told
    assert "http://far.example/cb#x: has a fragment" in told
    assert "myapp:/cb: has a scheme of its own" in told
    assert "good.example" not in told
    assert page.text("redirect-uris").split() == typed.split()
    assert page.document.forms[0].hidden["form"]


async def test_an_application_of_its_own_scheme_is_for_native_clients_only(keeper: Visitor) -> None:
    page = await make(keeper, "native", redirect_uris="org.example.app:/callback\nhttp://127.0.0.1/callback")

    assert page.name == "client-made"


async def test_a_form_that_is_sent_twice_makes_one_client_and_shows_its_secret_once(
    provider: Provider, keeper: Visitor
) -> None:
    form = await go(keeper, "/new/web")
    first = await keeper.browser.submit("client-create", client_name="Twice", redirect_uris=CALLBACK)
    secret = first.text("client-secret")
    keeper.browser.show(form)

    second = await keeper.browser.submit("client-create", client_name="Twice", redirect_uris=CALLBACK)

    assert second.name == "client"
    assert secret not in second.response.text
    named = [each for each in await provider.site.clients.list() if each.name == "Twice"]
    assert [each.id for each in named] == [first.text("client-id")]


async def test_no_page_shows_a_secret_again(provider: Provider, keeper: Visitor) -> None:
    made = await make(keeper)
    secret, client_id = made.text("client-secret"), made.text("client-id")

    for path in ("", f"/{client_id}", f"/{client_id}/rotate", f"/{client_id}/delete", f"/{client_id}/test"):
        page = await go(keeper, path)
        assert page.status == 200
        assert secret not in page.response.text
    assert made.response.headers["cache-control"] == "no-store"


async def test_the_page_that_shows_a_secret_shows_it_to_one_reading_of_one_session(
    provider: Provider, keeper: Visitor
) -> None:
    made = await make(keeper)
    secret, client_id = made.text("client-secret"), made.text("client-id")
    await go(keeper, f"/{client_id}/rotate")
    rotated = await keeper.browser.submit("rotate-confirm")

    for page in (made, rotated):
        assert f"/{client_id}/made?once=" in page.url
        again = await keeper.browser.open(page.url)
        assert (again.status, again.name) == (200, "client-made")
        assert again.has("secret-was-shown")
        assert not again.has("client-secret")
    assert rotated.text("client-secret") != secret
    client = await provider.site.clients.find(client_id)
    assert client is not None
    assert len(client.live_secrets(provider.clock.now())) == 2


async def test_a_secret_that_nobody_came_for_is_not_shown_after_its_time(provider: Provider, keeper: Visitor) -> None:
    form = await go(keeper, "/new/web")
    fields = {"csrf": form.document.forms[0].hidden["csrf"], "form": form.document.forms[0].hidden["form"]}
    sent = await keeper.browser._http.post(
        f"{provider.issuer}/admin/clients/new/web",
        data={**fields, "client-name": "Shop", "redirect-uris": CALLBACK, "client-create": "1", "scope": "openid"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert sent.status_code == 303
    await keeper.browser._http.head(sent.headers["location"])  # looking spends nothing
    provider.clock.advance(SHOWN_ONCE)

    late = await keeper.browser.open(sent.headers["location"])

    assert late.has("secret-was-shown")
    assert not late.has("client-secret")


async def test_a_client_is_found_by_the_beginning_of_its_name(keeper: Visitor) -> None:
    await make(keeper, client_name="Zebra crossings")
    await go(keeper, "")

    page = await keeper.browser.submit("clients-find", find="Zebra")

    assert "Zebra crossings" in page.text("clients-list")
    assert "Corner Shop" not in page.text("clients-list")
    assert "shop.example" in page.text("clients-list")


async def test_a_long_list_goes_on_behind_a_cursor(provider: Provider, keeper: Visitor) -> None:
    for number in range(51):
        await provider.site.clients.create({"client_name": f"Long list {number:03}", "redirect_uris": [CALLBACK]})
    await go(keeper, "")
    page = await keeper.browser.submit("clients-find", find="Long list")
    link = next(link["href"] for link in page.document.links if "cursor=" in (link["href"] or ""))

    more = await keeper.browser.open(f"{provider.issuer}{link}")

    assert "Long list 049" in page.text("clients-list")
    assert "Long list 050" not in page.text("clients-list")
    assert more.text("clients-list").startswith("Long list 050")
    assert not more.has("clients-more")


async def test_a_cursor_that_we_did_not_write_leads_to_the_beginning(keeper: Visitor) -> None:
    assert (await go(keeper, "?cursor=guessed")).url.endswith("/admin/clients")


async def test_a_change_is_saved_and_nothing_else_is_touched(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    before = await provider.site.clients.find(client_id)
    await go(keeper, f"/{client_id}")

    page = await keeper.browser.submit(
        "client-save", client_name="Corner Shop 2", redirect_uris=f"{CALLBACK}\nhttps://shop.example/other",
        policy_uri="https://shop.example/privacy",
    )  # fmt: skip

    assert page.name == "client"
    assert page.has("notice")
    after = await provider.site.clients.find(client_id)
    assert before is not None
    assert after is not None
    assert after.name == "Corner Shop 2"
    assert after.redirect_uris == (CALLBACK, "https://shop.example/other")
    assert after.policy_uri == "https://shop.example/privacy"
    assert (after.scopes, after.grant_types, after.secret_digests) == (
        before.scopes, before.grant_types, before.secret_digests,
    )  # fmt: skip


async def test_saving_what_is_there_already_changes_nothing(provider: Provider, keeper: Visitor) -> None:
    rp = await provider.client(grant_types=["refresh_token", "authorization_code"])
    before = await provider.registration(rp)
    await go(keeper, f"/{rp.client_id}")

    await keeper.browser.submit("client-save")

    assert await provider.registration(rp) == before


async def test_a_link_that_is_emptied_is_taken_away(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    await go(keeper, f"/{client_id}")
    await keeper.browser.submit("client-save", policy_uri="https://shop.example/privacy")

    await keeper.browser.submit("client-save", policy_uri="")

    client = await provider.site.clients.find(client_id)
    assert client is not None
    assert client.policy_uri is None


async def test_a_stale_form_keeps_what_was_typed_and_saves_at_the_second_try(
    provider: Provider, keeper: Visitor
) -> None:
    client_id = (await make(keeper)).text("client-id")
    mine = await go(keeper, f"/{client_id}")
    await keeper.browser.submit("client-save", client_name="Theirs")
    keeper.browser.show(mine)

    stale = await keeper.browser.submit("client-save", client_name="Mine")
    stored = await provider.site.clients.find(client_id)
    again = await keeper.browser.submit("client-save")

    assert stale.status == 412
    assert stored is not None
    assert stored.name == "Theirs"
    assert "Theirs" in stale.text("client-name-said")
    assert again.name == "client"
    final = await provider.site.clients.find(client_id)
    assert final is not None
    assert final.name == "Mine"


async def test_a_refused_change_changes_nothing(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    await go(keeper, f"/{client_id}")

    page = await keeper.browser.submit("client-save", client_name="Changed", redirect_uris="http://far.example/")

    assert page.status == 400
    assert "is http on a host" in page.text("redirect-uris-refused")
    client = await provider.site.clients.find(client_id)
    assert client is not None
    assert client.name == "Corner Shop"


async def test_a_new_secret_is_shown_once_and_the_old_one_works_for_a_day(provider: Provider, keeper: Visitor) -> None:
    made = await make(keeper)
    client_id = made.text("client-id")
    await go(keeper, f"/{client_id}/rotate")

    page = await keeper.browser.submit("rotate-confirm")

    client = await provider.site.clients.find(client_id)
    assert client is not None
    assert page.text("client-secret") != made.text("client-secret")
    assert len(client.live_secrets(provider.clock.now())) == 2
    assert len(client.live_secrets(provider.clock.now() + DAY)) == 1


async def test_a_confirmation_that_is_sent_again_makes_no_second_secret(keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    form = await go(keeper, f"/{client_id}/rotate")
    await keeper.browser.submit("rotate-confirm")
    keeper.browser.show(form)

    again = await keeper.browser.submit("rotate-confirm")

    assert again.status == 412
    assert not again.has("client-secret")


async def test_a_client_is_disabled_and_enabled_again(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    await go(keeper, f"/{client_id}")

    disabled = await keeper.browser.submit("client-disable")
    was_active = (await provider.site.clients.find(client_id)).is_active  # type: ignore[union-attr]
    enabled = await keeper.browser.submit("client-enable")

    assert disabled.has("client-disabled")
    assert not was_active
    assert not enabled.has("client-disabled")


async def test_a_client_is_deleted_after_a_question(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    page = await go(keeper, f"/{client_id}/delete")
    assert await provider.site.clients.find(client_id) is not None
    assert "cannot be undone" in page.response.text

    gone = await keeper.browser.submit("delete-confirm")

    assert gone.name == "clients"
    assert await provider.site.clients.find(client_id) is None
    assert (await go(keeper, f"/{client_id}")).status == 404


async def test_administrators_say_who_looks_after_a_client(provider: Provider, keeper: Visitor) -> None:
    helper = await somebody(provider, Role.CLIENT_MANAGER)
    client_id = (await make(keeper)).text("client-id")
    await go(keeper, f"/{client_id}")

    nobody = await keeper.browser.submit("manager-add", manager="nobody at all")
    page = await keeper.browser.submit("manager-add", manager=helper.person.username)

    assert nobody.status == 400
    assert nobody.has("manager-said")
    assert helper.person.username in page.text("client-managers")
    assert (await go(helper, f"/{client_id}")).status == 200


async def test_a_client_manager_sees_and_reaches_their_own_clients_only(provider: Provider, keeper: Visitor) -> None:
    helper = await somebody(provider, Role.CLIENT_MANAGER)
    own, other = [(await make(keeper, client_name=name)).text("client-id") for name in ("Own", "Other")]
    await give(provider, own, helper)

    listed = (await go(helper, "")).text("clients-list")

    assert own in listed
    assert other not in listed
    for path in ("", "/rotate", "/delete", "/test", "/test/callback?state=x&code=y"):
        assert (await go(helper, f"/{other}{path}")).status == 404
        assert (await go(helper, f"/{own}{path}")).status != 404


async def test_what_was_refused_to_a_client_is_told_with_what_to_change(provider: Provider, keeper: Visitor) -> None:
    rp = await provider.client()
    person = await provider.person()
    browser = provider.browser(person)
    code = await browser.authorize(rp)
    await rp.redeem(code, code_verifier="w" * 43)
    await rp.redeem(code, code_verifier="w" * 43)

    page = await go(keeper, f"/{rp.client_id}")

    told = page.text("client-errors")
    assert "invalid_grant (check_verifier) × 2" in told
    assert "Send the code_verifier that belongs to this sign-in" in told
    provider.clock.advance(8 * DAY)
