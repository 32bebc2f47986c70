"""An identity elsewhere that leads into no account here: linked by whoever proves both, or the begin of an account."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from idp.domain.secret import make_id
from idp.domain.upstream import NewAccounts, Upstream
from idp.flows.export import export
from tests.support.elsewhere import Elsewhere, elsewhere
from tests.support.factors import with_totp
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import MINUTE, SECOND, Person, ask
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(autouse=True)
async def honest(there: Elsewhere) -> None:
    """Somebody whom nobody knows yet signs in elsewhere."""
    there.provider.clock.advance(2 * MINUTE)
    there.fake.tell_the_truth()
    new = make_id().lower()
    there.fake.person = {"sub": new, "name": "Ada Lovelace", "email": f"{new}@elsewhere.example"}


@pytest.fixture
async def rp(there: Elsewhere) -> RelyingParty:
    return await there.provider.client(is_first_party=True)


async def links_of(there: Elsewhere, person_id: str) -> list[str]:
    async with there.provider.site.transactions.open(write=False) as stores:
        return [each.upstream_id for each in await stores.upstream_identities.of_user(person_id)]


async def subjects(there: Elsewhere, person: Person) -> list[str]:
    return [each["subject"] for each in await there.provider.mail_to(person)]


async def users_named(there: Elsewhere, email: str) -> Any:
    async with there.provider.site.transactions.open(write=False) as stores:
        return await stores.users.find_by_name(email)


async def arrive(there: Elsewhere, upstream: Upstream, rp: RelyingParty) -> tuple[HtmlBrowser, Page]:
    browser, page = await there.sign_in(upstream, rp)
    assert page.name == "upstream-new", page.describe()
    return browser, page


async def test_by_default_an_unknown_identity_gets_nothing_and_is_told_what_to_do(
    there: Elsewhere, rp: RelyingParty
) -> None:
    _, page = await arrive(there, await there.upstream(), rp)

    assert page.has("upstream-closed")
    assert not page.has("upstream-link")
    assert not page.has("upstream-create")


async def test_an_account_with_the_same_address_changes_nothing_on_the_page(there: Elsewhere, rp: RelyingParty) -> None:
    """No oracle: the page says the same whether an account has that address or not."""
    upstream = await there.upstream(offers_linking=True, creates_accounts=NewAccounts.ON)
    person = await there.provider.person()
    texts = []
    for email in (person.user.email, f"{make_id().lower()}@example.org"):
        there.fake.lies.id_token = {"email": email, "email_verified": True}
        _, page = await arrive(there, upstream, rp)
        texts.append(page.response.text.replace(str(email), "").replace(page.url.split("/")[-2], ""))

    def stripped(text: str) -> list[str]:
        return [line for line in text.splitlines() if "csrf" not in line and "request-id" not in line]

    assert stripped(texts[0]) == stripped(texts[1])
    assert await links_of(there, person.id) == []


async def test_whoever_signs_in_once_and_says_yes_has_the_identity_linked(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(offers_linking=True), await there.provider.person()
    browser, _ = await arrive(there, upstream, rp)
    browser.username, browser.password = person.username, person.password

    page = await browser.submit("upstream-link")
    assert page.has("login-linking")
    page = await browser.sign_in()
    assert page.name == "upstream-link", page.describe()
    assert person.user.label in page.response.text
    assert await links_of(there, person.id) == []
    page = await browser.submit("link-yes")

    assert page.location is not None, page.describe()
    assert await links_of(there, person.id) == [upstream.id]
    assert "A sign-in was linked to your account" in await subjects(there, person)
    _, page = await there.sign_in(upstream, rp)
    assert page.location is not None, page.describe()


async def test_whoever_says_no_goes_on_without(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(offers_linking=True), await there.provider.person()
    browser, _ = await arrive(there, upstream, rp)
    browser.username, browser.password = person.username, person.password
    await browser.submit("upstream-link")
    await browser.sign_in()

    page = await browser.submit("link-no")

    assert page.location is not None, page.describe()
    assert await links_of(there, person.id) == []


async def test_linking_asks_for_everything_that_the_account_has(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(offers_linking=True), await there.provider.person()
    app = await with_totp(there.provider, person)
    browser, _ = await arrive(there, upstream, rp)
    browser.username, browser.password = person.username, person.password
    await browser.submit("upstream-link")

    page = await browser.sign_in()
    assert page.name == "step-up", page.describe()
    interaction = page.url.split("/")[-1].split("?")[0]
    page = await browser.open(f"{there.provider.issuer}/link/{interaction}")
    assert page.name == "step-up", page.describe()
    page = await browser.submit("otp-submit", otp_code=app.code(there.provider.clock.now()))

    assert page.name == "upstream-link", page.describe()


async def test_a_link_is_made_by_credentials_of_ours_and_not_by_another_link(
    there: Elsewhere, rp: RelyingParty
) -> None:
    waiting, known = await there.upstream(offers_linking=True), await there.upstream()
    person = await there.provider.person()
    browser, _ = await arrive(there, waiting, rp)
    await browser.submit("upstream-link")
    await there.linked(known, person)

    page = await there.through(browser, known)

    assert page.location is not None, page.describe()
    assert await links_of(there, person.id) == [known.id]


@pytest.mark.parametrize(("waited", "is_linked"), [(10 * MINUTE - SECOND, True), (10 * MINUTE, False)])
async def test_an_identity_waits_for_ten_minutes(
    there: Elsewhere, rp: RelyingParty, waited: Any, is_linked: bool
) -> None:  # fmt: skip
    upstream, person = await there.upstream(offers_linking=True), await there.provider.person()
    browser, _ = await arrive(there, upstream, rp)
    browser.username, browser.password = person.username, person.password
    await browser.submit("upstream-link")
    there.provider.clock.advance(waited)

    page = await browser.sign_in()
    if is_linked:
        page = await browser.submit("link-yes")

    assert page.location is not None, page.describe()
    assert await links_of(there, person.id) == ([upstream.id] if is_linked else [])


async def test_an_account_is_made_at_once_where_the_operator_trusts_the_address(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream = await there.upstream(creates_accounts=NewAccounts.ON, trusts_email=True)
    email = there.fake.person["email"]
    there.fake.lies.id_token = {"email": email, "email_verified": True, "name": "Ada", "locale": "fr", "gender": "f"}

    browser, page = await arrive(there, upstream, rp)
    assert email in page.response.text
    page = await browser.submit("upstream-create")

    assert page.location is not None, page.describe()
    user = await users_named(there, email)
    assert user.email_verified
    assert user.claims == {"name": "Ada", "locale": "fr"}
    assert await links_of(there, user.id) == [upstream.id]
    async with there.provider.site.transactions.open(write=False) as stores:
        assert await stores.credentials.password_of(user.id) is None


@pytest.mark.parametrize("said", [{"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}])
async def test_an_address_that_is_not_verified_there_is_proved_here(
    there: Elsewhere, rp: RelyingParty, said: dict[str, Any]
) -> None:
    upstream = await there.upstream(creates_accounts=NewAccounts.ON, trusts_email=True)
    email = there.fake.person["email"]
    there.fake.lies.id_token = {"email": email, **said}
    browser, _ = await arrive(there, upstream, rp)

    page = await browser.submit("upstream-create", email=email, name="Ada")
    assert page.name == "signup-code", page.describe()
    assert await users_named(there, email) is None
    page = await browser.submit("otp-submit", otp_code=await code_for(there, email))

    assert page.location is not None, page.describe()
    user = await users_named(there, email)
    assert user.email_verified
    assert await links_of(there, user.id) == [upstream.id]


async def code_for(there: Elsewhere, email: str) -> str:
    await there.provider.deliver()
    found = (
        await there.provider.http.get(f"{there.provider.issuer}/dev/mailbox.json", params={"to": email})
    ).json()  # fmt: skip
    return str(next(line for line in found[0]["text"].splitlines() if line.strip().isdigit()).strip())


async def test_what_one_provider_may_begin_another_does_not_end(there: Elsewhere, rp: RelyingParty) -> None:
    """Whoever begins an account from one that makes some gets none from one that makes none."""
    opens, closed = await there.upstream(creates_accounts=NewAccounts.ON), await there.upstream()
    email = there.fake.person["email"]
    browser, page = await arrive(there, opens, rp)
    interaction = page.url.split("/")[-2]
    await browser.submit("upstream-create", email=email, name="Ada")
    code = await code_for(there, email)

    await browser.open(f"{there.provider.issuer}/login/{interaction}")
    page = await there.through(browser, closed)
    assert page.has("upstream-closed")
    await browser.open(f"{there.provider.issuer}/signup/{interaction}/code")
    page = await browser.submit("otp-submit", otp_code=code)

    assert page.location is None, page.describe()
    assert await users_named(there, email) is None


async def test_an_address_of_a_foreign_domain_is_proved_here_though_the_provider_is_trusted(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream = await there.upstream(
        creates_accounts=NewAccounts.ON, trusts_email=True, domains=("works.example",)
    )  # fmt: skip
    there.fake.lies.id_token = {"email": there.fake.person["email"], "email_verified": True}

    browser, _ = await arrive(there, upstream, rp)
    page = await browser.submit("upstream-create", name="Ada")

    assert page.name == "signup-code", page.describe()


@pytest.mark.parametrize("is_proved", [True, False])
async def test_an_address_that_an_account_has_leads_to_no_account(
    there: Elsewhere, rp: RelyingParty, is_proved: bool
) -> None:
    """LG66: a new account takes nothing over, and is taken over by nobody who registered the address before."""
    upstream = await there.upstream(creates_accounts=NewAccounts.ON, trusts_email=True)
    person = await there.provider.person(email_verified=is_proved)
    there.fake.lies.id_token = {"email": person.user.email, "email_verified": True}
    browser, _ = await arrive(there, upstream, rp)

    page = await browser.submit("upstream-create")

    assert page.name == "upstream-new", page.describe()
    assert "already" in page.text("upstream-error")
    assert await links_of(there, person.id) == []
    _, page = await there.sign_in(upstream, rp)
    assert page.name == "upstream-new", page.describe()


async def test_a_typed_address_that_an_account_has_gets_a_mail_and_the_same_page(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream, person = await there.upstream(creates_accounts=NewAccounts.ON), await there.provider.person()
    browser, _ = await arrive(there, upstream, rp)

    page = await browser.submit("upstream-create", email=str(person.user.email), name="Ada")

    assert page.name == "signup-code", page.describe()
    assert "account already" in (await there.provider.mail_to(person))[0]["subject"]
    page = await browser.submit("otp-submit", otp_code="000000")
    assert page.name == "signup-code", page.describe()
    assert await links_of(there, person.id) == []


async def test_whoever_was_invited_gets_an_account_and_nobody_else(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream(creates_accounts=NewAccounts.INVITED, trusts_email=True)
    email = there.fake.person["email"]
    there.fake.lies.id_token = {"email": email, "email_verified": True}
    _, page = await arrive(there, upstream, rp)
    assert not page.has("upstream-create")

    site = there.provider.site
    async with site.transactions.open(write=True) as stores:
        context = site.administration.tools.context(stores, address=None, request_id=None)
        assert await site.accounts.signup.invite(context, email.upper().replace("@ELSEWHERE", "@elsewhere")) is None
    browser, _ = await arrive(there, upstream, rp)
    page = await browser.submit("upstream-create")

    assert page.location is not None, page.describe()
    assert await links_of(there, (await users_named(there, email)).id) == [upstream.id]
    async with site.transactions.open(write=False) as stores:
        found = await stores.links.open_ones("invitation", there.provider.clock.now())
    assert email not in [link.text("email").lower() for _, _, link in found]


async def test_an_account_is_made_once_however_often_the_form_is_sent(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream(creates_accounts=NewAccounts.ON, trusts_email=True)
    there.fake.lies.id_token = {"email": there.fake.person["email"], "email_verified": True}
    browser, page = await arrive(there, upstream, rp)
    await browser.submit("upstream-create")

    browser.show(page)
    again = await browser.submit("upstream-create")

    assert again.name in ("notice", "upstream-new"), again.describe()


async def begin_at_account(there: Elsewhere, person: Person) -> HtmlBrowser:
    browser = there.provider.browser(person)
    await browser.open(f"{there.provider.issuer}/account/security/sign-ins")
    await browser.sign_in()
    return browser


async def test_somebody_who_is_signed_in_links_an_identity_and_removes_it(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    browser = await begin_at_account(there, person)

    page = await there.through(browser, upstream)
    assert page.name == "sign-ins", page.describe()
    assert page.has("saved")
    assert await links_of(there, person.id) == [upstream.id]

    unlink = next(name for name in page.document.attributes if name.startswith("unlink-"))
    page = await browser.submit(unlink)
    assert await links_of(there, person.id) == []
    assert "A linked sign-in was removed from your account" in await subjects(there, person)
    assert [row["kind"] for row in await there.provider.rows("events")].count("sign_in_unlinked") >= 1


async def test_an_identity_opens_one_account_only(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, first, second = await there.upstream(), await there.provider.person(), await there.provider.person()
    await there.linked(upstream, first)

    page = await there.through(await begin_at_account(there, second), upstream)

    assert page.name == "sign-ins", page.describe()
    assert "another account" in page.text("account-error")
    assert await links_of(there, second.id) == []


async def test_the_last_way_in_is_not_removed(there: Elsewhere, rp: RelyingParty) -> None:
    upstream = await there.upstream(creates_accounts=NewAccounts.ON, trusts_email=True)
    email = there.fake.person["email"]
    there.fake.lies.id_token = {"email": email, "email_verified": True}
    browser, _ = await arrive(there, upstream, rp)
    await browser.submit("upstream-create")
    page = await browser.open(f"{there.provider.issuer}/account/security/sign-ins")
    assert page.name == "sign-ins", page.describe()

    unlink = next(name for name in page.document.attributes if name.startswith("unlink-"))
    page = await browser.submit(unlink)

    assert "last way" in page.text("account-error")
    assert await links_of(there, (await users_named(there, email)).id) == [upstream.id]


async def test_somebody_without_a_password_confirms_a_change_by_signing_in_there_again(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream = await there.upstream(creates_accounts=NewAccounts.ON, trusts_email=True)
    there.fake.lies.id_token = {"email": there.fake.person["email"], "email_verified": True}
    browser, _ = await arrive(there, upstream, rp)
    await browser.submit("upstream-create")
    there.provider.clock.advance(6 * MINUTE)

    page = await browser.open(f"{there.provider.issuer}/account/security/totp")
    assert page.name == "login", page.describe()
    stale = await there.through(browser, upstream)
    assert "not asked" in stale.text("login-problem")
    assert there.fake.asked("/authorize")["max_age"] == "300"
    there.fake.auth_time = int(there.provider.clock.timestamp())
    page = await there.through(browser, upstream)

    assert page.name == "totp", page.describe()


async def test_a_cry_for_help_ends_every_link(there: Elsewhere, rp: RelyingParty) -> None:
    """Whoever was in the account may have linked an identity of their own."""
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    site = there.provider.site
    async with site.transactions.open(write=True) as stores:
        context = site.administration.tools.context(stores, address=None, request_id=None)
        await site.accounts.recovery.lock(context, person.user)

    assert await links_of(there, person.id) == []


async def test_a_session_that_ended_meanwhile_links_nothing(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    browser = await begin_at_account(there, person)
    answer = await there.at(await there.leave(browser, upstream))
    async with there.provider.site.transactions.open(write=True) as stores:
        await stores.sessions.end_all_of(person.id, there.provider.clock.now())

    await browser.open(answer, came_from_elsewhere=True)

    assert await links_of(there, person.id) == []


async def test_a_sign_in_page_says_nothing_of_an_identity_that_waits_elsewhere(
    there: Elsewhere, rp: RelyingParty
) -> None:
    upstream = await there.upstream(offers_linking=True)
    browser, _ = await arrive(there, upstream, rp)
    await browser.submit("upstream-link")

    page = await ask(browser, rp)

    assert not page.has("login-linking")


async def test_signing_out_here_says_that_one_may_still_be_signed_in_there(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(name="The Works"), await there.provider.person()
    await there.linked(upstream, person)
    browser, _ = await there.sign_in(upstream, rp)

    await browser.open(f"{there.provider.issuer}/end_session")
    page = await browser.submit("logout-yes")

    assert "The Works" in page.text("signed-out-elsewhere")


async def test_what_somebody_takes_along_tells_of_their_links(there: Elsewhere, rp: RelyingParty) -> None:
    upstream, person = await there.upstream(), await there.provider.person()
    await there.linked(upstream, person)
    site = there.provider.site
    async with site.transactions.open(write=True) as stores:
        context = site.administration.tools.context(stores, address=None, request_id=None)
        told = await export(context, person.user)

    assert [each["provider"] for each in told["linked_sign_ins"]] == [upstream.id]  # type: ignore[index, union-attr, call-overload]
