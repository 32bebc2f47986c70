"""A walk through the administrators' pages of people and of the provider, for whoever looks at each of them."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.journey import shows

Look = Callable[[Page, str], Awaitable[None]]
#: Pages that are looked at as they are opened: their address and what kind of page they say they are.
PAGES = {
    "/admin": "overview", "/admin/users": "users", "/admin/users/new": "user-new", "/admin/groups": "groups",
    "/admin/groups/new": "group-new", "/admin/sessions": "admin-sessions", "/admin/consents": "consents",
    "/admin/invitations": "invitations", "/admin/registration-tokens": "registration-tokens",
    "/admin/roles": "roles", "/admin/events": "events", "/admin/messages": "messages", "/admin/keys": "keys",
    "/admin/keys/rotate": "key-danger", "/admin/settings": "settings", "/admin/webhooks": "webhooks",
    "/admin/webhooks/new": "webhook-form", "/admin/upstreams": "upstreams", "/admin/upstreams/new": "upstream-form",
}  # fmt: skip


async def walk(page: Page, office: BackOffice, person: Person, look: Look) -> None:
    """Look at every page, refused forms among them, as an owner who is signed in; `person` is done things to."""
    issuer = office.server.issuer
    for path, name in PAGES.items():
        await page.goto(f"{issuer}{path}")
        await shows(page, name)
        if name == "overview":
            await page.locator("summary").first.click()
        await look(page, name)
    await of_forms(page, issuer, person, look)
    await of_a_person(page, issuer, person, look)
    await of_a_group(page, issuer, person, look)
    await of_a_webhook(page, issuer, person, look)


async def of_forms(page: Page, issuer: str, person: Person, look: Look) -> None:
    """Look at forms that were refused, and at a token that is shown once."""
    await page.goto(f"{issuer}/admin/users/new")
    await page.fill("#username", "two words")
    await page.fill("#name", "Nora")
    await page.click("#user-create")
    await expect(page.locator("#user-refused")).to_be_visible()
    await look(page, "user-new-refused")
    await page.goto(f"{issuer}/admin/registration-tokens")
    await page.click("#token-create")
    await expect(page.locator("#token-secret")).to_be_visible()
    await look(page, "registration-token-made")
    await page.goto(f"{issuer}/admin/invitations")
    await page.fill("#email", person.email)
    await page.click("#invitation-send")
    await expect(page.locator("#invitation-refused")).to_be_visible()
    await look(page, "invitations-refused")


async def of_a_person(page: Page, issuer: str, person: Person, look: Look) -> None:
    """Look at a person: found, in a group, shut out, and at the pages that ask again."""
    await page.goto(f"{issuer}/admin/users")
    await page.fill("#find", person.email)
    await page.click("#users-show")
    await shows(page, "user")
    await page.fill("#group", "nowhere")
    await page.click("#group-add")
    await expect(page.locator("#group-refused")).to_be_visible()
    await look(page, "user-refused")
    await page.click("#user-disable")
    await expect(page.locator("#undo")).to_be_visible()
    await look(page, "user")
    await page.click("#undo")
    await expect(page.locator("#user-disable")).to_be_visible()
    for step, name in (("role", "user-role"), ("reset-factors", "user-danger"), ("delete", "user-danger")):
        await page.goto(f"{issuer}/admin/users/{person.sub}/{step}")
        await shows(page, name)
        await look(page, f"user-{step}")
    await page.fill("#typed", "somebody else")
    await page.click("#danger-confirm")
    await look(page, "user-delete-refused")
    await page.goto(f"{issuer}/admin/users?status=active")
    await page.locator("#users-list input").first.check()
    await page.click("#bulk-enable")
    await shows(page, "users-bulk")
    await look(page, "users-bulk")


async def of_a_group(page: Page, issuer: str, person: Person, look: Look) -> None:
    """Look at a group that is made, and at the page that asks whether it shall go."""
    await page.goto(f"{issuer}/admin/groups/new")
    await page.fill("#name", f"crew {person.username}")
    await page.fill("#description", "Everybody on board")
    await page.click("#group-create")
    await shows(page, "group")
    await look(page, "group")
    await page.click("#group-delete")
    await shows(page, "group-delete")
    await look(page, "group-delete")


async def of_a_webhook(page: Page, issuer: str, person: Person, look: Look) -> None:
    """Look at a webhook that is refused, made and tested in vain, and at the pages that ask again."""
    await page.goto(f"{issuer}/admin/webhooks/new")
    await page.fill("#name", f"Siren {person.username}")
    await page.fill("#url", "https://10.0.0.1/in")
    await page.click("#webhook-save")
    await expect(page.locator("#webhook-refused")).to_be_visible()
    await look(page, "webhook-new-refused")
    await page.fill("#url", "https://siren.invalid/in")
    await page.select_option("#which", "all")
    await page.click("#webhook-save")
    await expect(page.locator("#webhook-secret")).to_be_visible()
    await look(page, "webhook-made")
    await page.click("#webhook-test")
    await expect(page.locator("#deliveries-list")).to_be_visible()
    await look(page, "webhook")
    for step, name in (
        ("rotate", "webhook-danger"), ("pause", "webhook-danger"), ("resume", "webhook-danger"),
        ("change", "webhook-form"), ("delete", "webhook-danger"),
    ):  # fmt: skip
        address = page.url
        await page.goto(f"{address.partition('?')[0]}/{step}")
        await shows(page, name)
        await look(page, f"webhook-{step}")
        await page.goto(address)
    await page.click("#webhook-delete")
    await page.click("#danger-confirm")
    await shows(page, "webhooks")
