"""LG68: names that look alike are one account or two, never merged, never a way to another's mail (ASVS 6.3)."""

import unicodedata

import pytest

from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.flows.user_administration import NewUser
from tests.support.attacker import try_in
from tests.support.provider import PASSWORD
from tests.support.target import Target


async def made(provider: Target, *, email: str | None = None, username: str | None = None) -> User | Refusal:
    new = NewUser(email=email, username=username, password=PASSWORD, claims={})
    user = await provider.site.users.create(new)
    return user.reason if isinstance(user, Refused) else user


SAME_EMAIL = {
    "case": "Kim.Miller@Harbour.Example",
    "Kelvin sign": "\u212aim.miller@harbour.example",
    "full-width at": "kim.miller\uff20harbour.example",
    "full-width letters": "\uff4bim.miller@harbour.example",
    "spaces around": "  kim.miller@harbour.example ",
    "decomposed": unicodedata.normalize("NFD", "kim.miller@harbour.example"),
}


@pytest.mark.parametrize("spelling", SAME_EMAIL.values(), ids=SAME_EMAIL)
async def test_lg68_one_address_is_one_account_however_it_is_spelt(fresh: Target, spelling: str) -> None:
    first = await made(fresh, email="kim.miller@harbour.example")

    again = await made(fresh, email=spelling)
    page = await try_in(fresh, spelling, PASSWORD)

    assert isinstance(first, User)
    assert again is Refusal.EMAIL_TAKEN
    assert page.name == "home"
    assert first.email == "kim.miller@harbour.example", "mail goes to the stored spelling only"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Kim.Miller@Harbour.Example", "Kim.Miller@Harbour.Example"),
        ("\u212aim@harbour.example", "kim@harbour.example"),
        ("kim\uff20harbour.example", "kim@harbour.example"),
        ("kim@b\u00fccher.example", "kim@xn--bcher-kva.example"),
    ],
)
async def test_lg68_mail_goes_to_a_plain_address_never_to_a_look_alike(fresh: Target, typed: str, stored: str) -> None:
    """A Kelvin sign that counts as k when compared must not be a Kelvin sign when mail is sent."""
    user = await made(fresh, email=typed)

    assert isinstance(user, User)
    assert user.email == stored


OTHER_EMAIL = {
    "plus tag": "kim.miller+shop@harbour.example",
    "dots": "kimmiller@harbour.example",
    "dotless i": "k\u0131m.miller@harbour.example",
    "Cyrillic": "k\u0456m.miller@harbour.example",
    "another domain": "kim.miller@harbour.example.org",
    "look-alike domain": "kim.miller@h\u0430rbour.example",
    "A-label of it": "kim.miller@xn--hrbour-5qf.example",
}


@pytest.mark.parametrize("other", OTHER_EMAIL.values(), ids=OTHER_EMAIL)
async def test_lg68_a_look_alike_address_is_somebody_else(fresh: Target, other: str) -> None:
    """Never merged: it is another account, or refused."""
    victim = await made(fresh, email="kim.miller@harbour.example")
    assert isinstance(victim, User)

    stranger = await made(fresh, email=other)

    assert (await try_in(fresh, other, "wrong")).status == 403
    assert stranger is Refusal.EMAIL_INVALID or (isinstance(stranger, User) and stranger.id != victim.id)


async def test_lg68_a_domain_and_its_a_label_are_one(fresh: Target) -> None:
    assert isinstance(await made(fresh, email="kim@b\u00fccher.example"), User)

    assert await made(fresh, email="kim@xn--bcher-kva.example") is Refusal.EMAIL_TAKEN
    assert await made(fresh, email="kim@BU\u0308CHER.example") is Refusal.EMAIL_TAKEN


BAD_EMAIL = {
    "two at signs": "a@b@harbour.example",
    "quoted local part": '"a b"@harbour.example',
    "trailing dot": "a@harbour.example.",
    "zero-width": "a\u200bb@harbour.example",
    "soft hyphen": "a\u00adb@harbour.example",
    "NUL": "a\x00@harbour.example",
    "newline": "a@harbour.example\nBcc: x@y.example",
    "right to left": "a\u202e@harbour.example",
    "no domain": "a@",
    "no local part": "@harbour.example",
    "address literal": "a@[127.0.0.1]",
    "number": "a@127.0.0.1",
    "comment": "a(x)@harbour.example",
    "two addresses": "a@harbour.example,b@harbour.example",
    "name": "A <a@harbour.example>",
    "space inside": "a b@harbour.example",
    "double dot": "a..b@harbour.example",
    "empty label": "a@harbour..example",
    "long local part": "a" * 65 + "@harbour.example",
    "long": "a@" + "b" * 60 + ".c" * 100 + ".example",
    "lone surrogate": "a\ud800@harbour.example",
    "tab": "a\t@harbour.example",
    "line separator": "a\u2028@harbour.example",
    "Hangul filler": "a\u3164@harbour.example",
}


@pytest.mark.parametrize("email", BAD_EMAIL.values(), ids=BAD_EMAIL)
async def test_lg68_what_is_not_one_plain_address_is_refused(provider: Target, email: str) -> None:
    assert await made(provider, email=email) is Refusal.EMAIL_INVALID


async def test_lg68_no_username_can_be_somebodys_address(fresh: Target) -> None:
    await made(fresh, email="kim@harbour.example")

    for username in ("kim@harbour.example", "kim\uff20harbour.example", "a@b", "x\u200by", "a b", "", " ", "\x00"):
        refused = await made(fresh, username=username, email=None)
        assert refused in (Refusal.USERNAME_INVALID, Refusal.MISSING_FIELDS), username


@pytest.mark.parametrize("username", ["ADA", "Ada", "\uff21da", "ada "])
async def test_lg68_one_username_is_one_account(fresh: Target, username: str) -> None:
    assert isinstance(await made(fresh, username="ada"), User)

    assert await made(fresh, username=username) is Refusal.USERNAME_TAKEN
