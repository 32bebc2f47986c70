"""PW1, I7, I10: no byte that leaves this server holds a password, a piece, a digest or a mask of one.

Recorded where they arrive: a model and a service for breached passwords of our own, and nothing else is connected to.
The pieces that are looked for begin with signs that nothing else here is made of, so chance finds none of them.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_type_hints
from urllib.parse import quote

import pytest

from idp.domain.advice import Payload
from idp.domain.user import User
from idp.flows.user_administration import NewUser
from idp.providers.adviser.local import LocalAdviser
from idp.providers.adviser.none import NoAdviser
from idp.providers.adviser.openai import OpenAiAdviser
from tests.support.careful import ELSEWHERE, SAFARI, Visitor, careful_provider
from tests.support.letters import code
from tests.support.outbound import Outside, connections, outside
from tests.support.provider import DAY, ISSUER, Person, Provider

OLD = "§7¶Kæ tulips under the rain"
NEW = "¤9¬Yø eleven lanterns afloat"
OFTEN = "£5¥Wß a ferry to the island"
WRONG = "¢3¦Qþ nobody ever had this"
FORMS = ("utf-8", "utf-16-le", "latin-1")


def spellings(text: str) -> Iterator[bytes]:
    """Yield how a piece of a password could be written into a request."""
    yield from (text.encode(form) for form in FORMS)
    yield quote(text).encode()
    yield quote(text).lower().encode()
    yield json.dumps(text)[1:-1].encode()
    yield text.encode().hex().encode()
    yield text.encode("unicode_escape")
    yield base64.b64encode(text.encode()).rstrip(b"=")[: 4 * len(text.encode()) // 3]


def forbidden(password: str, hash_: str | None) -> Iterator[bytes]:
    """Yield the password, each of its beginnings from four signs on, what is digested from it, and masks."""
    for length in range(4, len(password) + 1):
        yield from spellings(password[:length])
    yield from spellings(password[1:])
    yield from (f"{password[:1]}{mask}".encode() for mask in ("**", "••", "…", "xx"))
    for algorithm in (hashlib.sha1, hashlib.sha256, hashlib.sha384, hashlib.md5):
        raw = algorithm(password.encode()).digest()
        yield from (raw[:6], raw.hex()[:8].encode(), raw.hex()[:8].upper().encode(), base64.b64encode(raw)[:8])
    if hash_ is not None:
        yield from (hash_.encode()[-60:][:36], hash_.encode()[-31:][:10])


async def hash_of(provider: Provider, user_id: str) -> str:
    async with provider.site.transactions.open(write=False) as stores:
        stored = await stores.credentials.password_of(user_id)
    assert stored is not None
    return stored.hash


@asynccontextmanager
async def asking(folder: Path, world: Outside, **settings: str) -> AsyncIterator[Provider]:
    """Run a provider that asks the model about doubtful sign-ins."""
    chosen = {
        "IDP_ADVISER": "openai", "IDP_OPENAI_API_KEY": "sk-test", "IDP_OPENAI_BASE_URL": world.model,
        "IDP_REGISTRATION": "open",
    }  # fmt: skip
    async with careful_provider(folder, **(chosen | settings)) as provider:
        yield provider


async def live(provider: Provider) -> list[tuple[str, str | None]]:
    """Sign up, sign in rightly and wrongly, from new places, change the password; return passwords and hashes."""
    rp = await provider.client()
    new = NewUser("often@example.org", "often", OFTEN, {}, email_verified=True)
    user = await provider.site.users.create(new)
    assert isinstance(user, User)
    known = Visitor(provider, Person(user, "often", OFTEN))
    for _ in range(3):
        await known.sign_in(rp)
        known.browser.cookies.delete("__Host-idp_session")
        provider.clock.advance(DAY)
    for number in range(3):  # doubtful enough to be asked about
        for agent in (SAFARI, f"Mozilla/5.0 (X11; Linux x86_64; rv:14{number}.0) Gecko/20100101 Firefox/14{number}.0"):
            stranger = Visitor(provider, known.person, f"192.0.2.{90 + number}" if number else ELSEWHERE, agent)
            page = await stranger.arrive(rp)
            assert page.status < 500
    made = Visitor(provider, Person(known.person.user, "nobody"))
    page = await made.browser.open((await rp.authorization_request()).url)
    page = await made.browser.submit("login-submit", username="somebody", password=WRONG)
    page = await made.browser.open(f"{ISSUER}{page.document.attributes['sign-up']['href']}".replace(ISSUER * 2, ISSUER))
    await made.browser.submit("signup-submit", email="new@example.org", name="New", new_password=OLD)
    await made.browser.submit("otp-submit", otp_code=await code(provider, "new@example.org"))
    async with provider.site.transactions.open(write=False) as stores:
        user = await stores.users.find_by_name("new@example.org")
    assert user is not None
    first = await hash_of(provider, user.id)
    await made.browser.open(f"{ISSUER}/account/password")
    if made.browser.page.name == "login":
        await made.browser.submit("login-submit", username="new@example.org", password=OLD)
    await made.browser.submit("password-submit", new_password=NEW)
    second = await hash_of(provider, user.id)
    assert second != first
    return [(OLD, first), (NEW, second), (WRONG, None), (OFTEN, await hash_of(provider, known.person.id))]


def look(sent: list[bytes], secrets: list[tuple[str, str | None]]) -> None:
    everything = b"\n".join(sent)
    for password, hash_ in secrets:
        for piece in forbidden(password, hash_):
            assert piece not in everything, (password, piece)


@pytest.mark.parametrize(
    "leak",
    [OLD.encode(), b"start=" + quote(OLD[:4]).encode(), json.dumps({"p": OLD[:5]}).encode(),
     OLD[1:].encode("utf-16-le"),
     hashlib.sha256(OLD.encode()).hexdigest()[:12].encode(), hashlib.sha1(OLD.encode()).hexdigest().upper().encode(),
     f"{OLD[0]}*****".encode()],
)  # fmt: skip
def test_what_is_looked_for_would_be_found(leak: bytes) -> None:
    with pytest.raises(AssertionError):
        look([b"POST /v1/chat HTTP/1.1\r\n\r\n" + leak + b" and more"], [(OLD, None)])


async def test_pw1_a_model_is_sent_nothing_made_from_a_password(tmp_path: Path) -> None:
    async with outside() as world, asking(tmp_path, world) as provider:
        with connections() as reached:
            secrets = await live(provider)

    assert world.questions, "nothing was doubtful: nothing was shown"
    assert world.received == world.questions
    assert reached == {("127.0.0.1", world.port)}
    look(world.received, secrets)


async def test_pw1_five_digits_of_a_digest_leave_if_the_operator_chose_so_and_nothing_more(tmp_path: Path) -> None:
    async with outside() as world:
        chosen = {"IDP_PASSWORD_RANGE_URL": world.range, "IDP_OUTBOUND_ALLOW": f"127.0.0.1:{world.port}"}
        async with asking(tmp_path, world, **chosen) as provider:
            with connections() as reached:
                secrets = await live(provider)

    asked = [line.split(b" ")[1] for line in world.lookups]
    digits = [hashlib.sha1(password.encode()).hexdigest()[:5].upper().encode() for password in (OFTEN, OLD, NEW)]
    assert asked == [b"/range/" + each for each in digits]
    assert reached == {("127.0.0.1", world.port)}
    look(world.received, secrets)


@pytest.mark.parametrize("kind", [OpenAiAdviser, LocalAdviser, NoAdviser])
def test_i10_an_adviser_takes_a_payload_and_a_payload_has_no_place_for_text(kind: type) -> None:
    """What is asked is one Payload; its fields are integers, truths and closed lists of words."""
    hints = get_type_hints(kind.ask)
    taken = {name: hint for name, hint in hints.items() if name != "return"}

    assert list(taken.values()) == [Payload]
    assert str not in get_type_hints(Payload).values()
    assert bytes not in get_type_hints(Payload).values()
