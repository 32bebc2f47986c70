"""Interactions: a request as it was checked, waiting for its person in the browser that began it."""

from dataclasses import replace

import pytest

from idp.domain.authorization import ClaimRequest, Prompt, ResponseMode
from idp.storage.stores import Stores
from tests.support.builders import MINUTE, NOW, TICK, digest, interaction, make_id, request

RICH = request(
    client_id="rp",
    response_mode=ResponseMode.FORM_POST,
    scopes=("openid", "email"),
    state='"quoted" \\ état 🔑 <x>',
    prompts=frozenset({Prompt.LOGIN, Prompt.CONSENT}),
    max_age=0,
    login_hint="zoë@example.com",
    hinted_sub="alice",
    ui_locales="de en",
    acr_values=("phr", "urn:idp:loa:1"),
    essential_acrs=(),
    userinfo_claims={"email": ClaimRequest(essential=True), "locale": ClaimRequest(values=("de", 1, None))},
    id_token_claims={},
)
BARE = request(state=None, nonce=None, code_challenge=None)


@pytest.mark.parametrize("asked", [RICH, BARE])
async def test_a_request_is_read_as_it_was_checked(stores: Stores, asked: object) -> None:
    waiting, browser = interaction(request=asked), digest()

    await stores.interactions.add(waiting, browser, keep=20)

    assert await stores.interactions.find(waiting.id) == (waiting, browser)


async def test_an_interaction_may_lead_to_a_page_instead_of_a_client(stores: Stores) -> None:
    waiting, browser = interaction(request=None, return_path="/account/security?x=1"), digest()

    await stores.interactions.add(waiting, browser, keep=20)

    assert await stores.interactions.find(waiting.id) == (waiting, browser)


@pytest.mark.parametrize("interaction_id", ["", "unknown", "\0", "\ud800", "é", "x" * 10_000, "../.."])
async def test_an_unknown_or_impossible_id_finds_nothing(stores: Stores, interaction_id: str) -> None:
    assert await stores.interactions.find(interaction_id) is None


async def test_what_was_done_is_remembered(stores: Stores) -> None:
    waiting, browser, session_id = interaction(), digest(), make_id()
    await stores.interactions.add(waiting, browser, keep=20)

    await stores.interactions.note_sign_in(waiting.id, session_id, NOW + MINUTE)
    assert await stores.interactions.note_consent(waiting.id)
    assert await stores.interactions.complete(waiting.id, NOW + 2 * MINUTE)

    done = replace(
        waiting,
        session_id=session_id,
        signed_in_at=NOW + MINUTE,
        account_chosen=True,
        consent_given=True,
        completed_at=NOW + 2 * MINUTE,
    )
    assert await stores.interactions.find(waiting.id) == (done, browser)


async def test_choosing_an_account_is_no_sign_in(stores: Stores) -> None:
    waiting, browser = interaction(), digest()
    await stores.interactions.add(waiting, browser, keep=20)

    await stores.interactions.note_account(waiting.id, "session")

    chosen = replace(waiting, session_id="session", account_chosen=True)
    assert await stores.interactions.find(waiting.id) == (chosen, browser)


async def test_a_sign_in_takes_back_the_consent_of_somebody_else(stores: Stores) -> None:
    waiting = interaction()
    await stores.interactions.add(waiting, digest(), keep=20)
    await stores.interactions.note_consent(waiting.id)

    await stores.interactions.note_sign_in(waiting.id, "session", NOW)

    found = await stores.interactions.find(waiting.id)
    assert found is not None
    assert not found[0].consent_given


async def test_consent_is_given_once(stores: Stores) -> None:
    waiting = interaction()
    await stores.interactions.add(waiting, digest(), keep=20)

    assert await stores.interactions.note_consent(waiting.id)
    assert not await stores.interactions.note_consent(waiting.id)
    assert not await stores.interactions.note_consent("unknown")


async def test_an_answered_interaction_changes_no_more(stores: Stores) -> None:
    waiting, browser = interaction(), digest()
    await stores.interactions.add(waiting, browser, keep=20)
    assert await stores.interactions.complete(waiting.id, NOW)

    await stores.interactions.note_sign_in(waiting.id, "session", NOW)
    await stores.interactions.note_account(waiting.id, "session")

    assert not await stores.interactions.note_consent(waiting.id)
    assert not await stores.interactions.complete(waiting.id, NOW)
    assert await stores.interactions.find(waiting.id) == (replace(waiting, completed_at=NOW), browser)


@pytest.mark.parametrize(("late", "answered"), [(-TICK, True), (0 * TICK, False)])
async def test_an_interaction_is_answered_in_time_or_never(stores: Stores, late: object, answered: bool) -> None:
    waiting = interaction(expires_at=NOW + MINUTE)
    await stores.interactions.add(waiting, digest(), keep=20)

    assert await stores.interactions.complete(waiting.id, NOW + MINUTE + late) is answered  # type: ignore[operator]


async def test_a_browser_keeps_its_newest_interactions(stores: Stores) -> None:
    """RFC 9700 §4.7: one per tab, at most 20; another browser's are not touched."""
    browser, other = digest(), interaction(created_at=NOW - MINUTE)
    await stores.interactions.add(other, digest(), keep=3)
    begun = [interaction(created_at=NOW + number * TICK) for number in range(6)]

    for waiting in begun:
        await stores.interactions.add(waiting, browser, keep=3)

    kept = [await stores.interactions.find(waiting.id) is not None for waiting in begun]
    assert kept == [False, False, False, True, True, True]
    assert await stores.interactions.find(other.id) is not None


async def test_the_newest_interaction_is_kept_even_if_all_began_at_once(stores: Stores) -> None:
    browser = digest()
    begun = [interaction() for _ in range(30)]

    for waiting in begun:
        await stores.interactions.add(waiting, browser, keep=1)
        assert await stores.interactions.find(waiting.id) is not None

    kept = [waiting for waiting in begun if await stores.interactions.find(waiting.id)]
    assert kept == begun[-1:]
