"""What the console shows of a decision: all of it, escaped, from a record that is whole, or that it is damaged."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

from idp.policy import record as records
from idp.storage.decisions import StoredDecision
from tests.support.careful import ELSEWHERE, SAFARI, Visitor, careful_provider, decisions, settled
from tests.support.console import administrator, change_decision, events, visit
from tests.support.html_browser import Page
from tests.support.provider import Person, Provider

EVIL = "</pre></textarea><script>alert(1)</script>"
PAYLOAD = '\n{"v":1,"net_kind":"residential <b>&amp;"}'


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("console")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.fixture(scope="module")
async def owner(provider: Provider) -> Person:
    """Somebody whose last sign-in was a stranger's, who had to give a mailed code."""
    visitor = await settled(provider, await provider.client(), 4)
    stranger = Visitor(provider, visitor.person, ELSEWHERE, SAFARI)
    await stranger.sign_in(await provider.client())
    return visitor.person


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An administrator who has just proved everything."""
    keeper = await administrator(provider)
    await visit(keeper, "/admin/decisions")
    return keeper


async def challenged(provider: Provider, owner: Person) -> StoredDecision:
    """Return the stranger's decision."""
    return next(each for each in reversed(await decisions(provider, owner)) if each.event == "login")


async def copy(provider: Provider, owner: Person, name: str, **changes: object) -> StoredDecision:
    """Store the stranger's decision again, changed, under an id of its own that sorts before all real ones."""
    stored = replace(await challenged(provider, owner), id=f"0-{name}", taught=None, label=None, outcome=None)
    stored = replace(stored, **changes)  # type: ignore[arg-type]
    async with provider.site.transactions.open(write=True) as stores:
        await stores.decisions.add(stored)
    return stored


def rewritten(stored: StoredDecision, **members: object) -> dict[str, str]:
    """Return record and digest with other members, as if the provider had written them."""
    document = json.loads(stored.record) | members
    return {"record": records.canonical(document).decode(), "digest": records.content_hash(document)[7:]}


async def look(keeper: Visitor, decision_id: str, suffix: str = "") -> Page:
    return await keeper.browser.open(f"{keeper.provider.issuer}/admin/decisions/{decision_id}{suffix}")


@pytest.mark.parametrize(
    "change",
    [
        {"record": "{}"},
        {"record": "no JSON <script>"},
        {"record": "[" * 50_000},
        {"digest": "0" * 64},
        {"digest": "no digest"},
        {"record": '{"v":1}', "digest": sha256(b'{"v":1}').hexdigest()},
        {"record": "[]", "digest": sha256(b"[]").hexdigest()},
    ],
    ids=range(7),
)
async def test_a_damaged_record_is_shown_as_that(
    provider: Provider, owner: Person, keeper: Visitor, change: dict[str, str]
) -> None:
    stored = await challenged(provider, owner)
    damaged = await copy(provider, owner, f"damaged-{len(str(change))}-{abs(hash(str(change)))}"[:40], **change)

    page = await look(keeper, damaged.id)

    assert page.status == 200
    assert page.has("decision-damaged")
    assert not page.has("decision-parts")
    assert f"login: {stored.decision}" in page.text("decision-outcome")


async def test_white_space_in_a_record_is_damage_too(provider: Provider, owner: Person, keeper: Visitor) -> None:
    stored = await challenged(provider, owner)
    damaged = await copy(provider, owner, "spaces", record=stored.record + " ")

    answer = await look(keeper, damaged.id, ".json")

    assert (await look(keeper, damaged.id)).has("decision-damaged")
    assert answer.status == 409
    assert answer.response.json() == {"error": "damaged"}


async def test_the_record_is_given_out_byte_for_byte(provider: Provider, owner: Person, keeper: Visitor) -> None:
    stored = await challenged(provider, owner)

    answer = await look(keeper, stored.id, ".json")

    assert sha256(answer.response.content).hexdigest() == stored.digest
    assert answer.response.headers["content-type"] == "application/json"
    assert answer.response.headers["cache-control"] == "no-store"


async def test_a_challenge_is_explained_and_replays(provider: Provider, owner: Person, keeper: Visitor) -> None:
    stored = await challenged(provider, owner)
    record = json.loads(stored.record)

    page = await look(keeper, stored.id)

    assert page.text("decision-replays") == "Yes"
    assert f"{record['llr']:+.2f}".replace("-", "−") in page.text("decision-sums")
    for part in record["parts"]:
        assert part["code"] in page.text("decision-parts")
    for rule in record["rules"]:
        assert rule["id"] in page.text("decision-rules")
    assert page.has("decision-change")
    assert page.response.text.count('<svg class="bar"') == len(record["parts"]) + 1


async def test_another_policy_s_decision_does_not_replay_to_the_same(
    provider: Provider, owner: Person, keeper: Visitor
) -> None:
    stored = await challenged(provider, owner)
    other = await copy(provider, owner, "other", **rewritten(stored, decision="allow"))
    unknown = await copy(provider, owner, "unknown", **rewritten(stored, policy="sha256:0"), policy="sha256:0")

    assert (await look(keeper, other.id)).text("decision-replays") == "No"
    assert "not known" in (await look(keeper, unknown.id)).text("decision-replays")


async def test_whatever_a_record_holds_stays_text(provider: Provider, owner: Person, keeper: Visitor) -> None:
    stored = await challenged(provider, owner)
    record = json.loads(stored.record)
    rules = [{"id": EVIL, "matched": False, "because": EVIL, "unknown": [EVIL]}]
    changes = rewritten(
        stored, rules=rules, unknown=[EVIL], satisfied_by=[EVIL], engine=EVIL, adviser={"mode": EVIL},
        floors=[{"code": EVIL, "band": EVIL}], parts=[{"code": EVIL, "nats": 1.0}],
        facts=record["facts"] | {"groups": [EVIL]},
    )  # fmt: skip
    advice = {"payload": EVIL, "answer": EVIL, "state": EVIL, "model": EVIL}
    evil = await copy(
        provider, owner, "evil", **changes, advice=advice, client_id=EVIL, taught={EVIL: EVIL}, label="attack",
        labelled_by=EVIL[:40], labelled_at=stored.decided_at, outcome=EVIL[:16], outcome_at=stored.decided_at,
    )  # fmt: skip

    page = await look(keeper, evil.id)

    assert page.has("decision-parts")
    assert "<script" not in page.response.text
    assert page.text("advice-payload") == EVIL
    assert "<script" not in (await keeper.browser.open(f"{provider.issuer}/admin/decisions")).response.text


async def test_the_ledger_shows_byte_for_byte_what_an_adviser_saw_and_said(
    provider: Provider, owner: Person, keeper: Visitor
) -> None:
    """§6.4: white space at either end included."""
    stored = await copy(provider, owner, "ledger", advice={"payload": PAYLOAD, "answer": "\n\n no JSON \n"})

    html = (await look(keeper, stored.id)).response.text

    for id, sent in (("advice-payload", PAYLOAD), ("advice-answer", "\n\n no JSON \n")):
        shown = html.split(f'id="{id}" dir="ltr">\n', 1)[1].split("</pre>", 1)[0]  # HTML drops that first line break
        assert unescape(shown) == sent


async def test_a_label_is_put_once_and_an_attack_unlearnt(provider: Provider, owner: Person, keeper: Visitor) -> None:
    stored = await challenged(provider, owner)
    assert stored.taught is not None
    first = await look(keeper, stored.id)

    await keeper.browser.submit("label-attack")

    labelled = await challenged(provider, owner)
    assert (labelled.label, labelled.labelled_by) == ("attack", f"administrator {keeper.person.id}")
    assert labelled.taught is None
    assert keeper.person.user.email in keeper.browser.page.text("decision-label")
    assert (await events(provider, "decision_labelled", keeper.person.id)) == [
        {"decision": stored.id, "label": "attack"}
    ]
    keeper.browser.show(first)
    again = await keeper.browser.submit("label-owner")
    assert again.status == 409
    assert again.has("label-error")
    assert (await challenged(provider, owner)).label == "attack"
    assert {"decision": stored.id} in await events(provider, "decision_read", keeper.person.id)


async def test_decisions_are_found_by_person_band_and_decision(
    provider: Provider, owner: Person, keeper: Visitor
) -> None:
    stored = await challenged(provider, owner)
    link = f'/admin/decisions/{stored.id}"'

    page = await keeper.browser.submit("decisions-show", person=owner.username, band=stored.band, decision="")

    assert link in page.response.text
    assert owner.username not in page.url
    assert all(owner.id not in str(detail) for detail in await events(provider, "decision_read", keeper.person.id))
    page = await keeper.browser.submit(
        "decisions-show", band="critical" if stored.band == "low" else "low", decision=""
    )
    assert link not in page.response.text
    assert (await keeper.browser.submit("decisions-show", person="nobody <script>")).has("decisions-none")


@pytest.mark.parametrize("query", ["band=x&decision=y", "person=%00", "before=%00", "before=%F0%9F%98%80", "person=x"])
async def test_what_cannot_be_looked_for_is_left_out(provider: Provider, keeper: Visitor, query: str) -> None:
    assert (await keeper.browser.open(f"{provider.issuer}/admin/decisions?{query}")).has("decisions-list")


async def test_a_long_list_has_a_next_page(provider: Provider, owner: Person, keeper: Visitor) -> None:
    for number in range(51):
        await copy(provider, owner, f"page-{number:02}")
    page = await keeper.browser.open(f"{provider.issuer}/admin/decisions?person={owner.id}")
    shown = [each["href"] for each in page.document.links if "/admin/decisions/" in each["href"]]

    page = await keeper.browser.open(provider.issuer + page.document.attributes["decisions-older"]["href"])

    others = [each["href"] for each in page.document.links if "/admin/decisions/" in each["href"]]
    assert others
    assert not set(shown[1:]) & set(others[1:])  # the first link of each is a tab


async def test_challenges_are_counted_by_country(provider: Provider, owner: Person, keeper: Visitor) -> None:
    for name, decision in (("a", "deny"), ("b", "step_up"), ("c", "allow"), ("d", "allow")):
        await copy(provider, owner, f"country-{name}", country="NZ", decision=decision)
    await copy(provider, owner, "country-e", country=None)

    page = await keeper.browser.open(f"{provider.issuer}/admin/decisions/countries")

    assert "NZ425.0% (1)25.0% (1)" in page.text("countries-table")
    assert "Unknown" in page.text("countries-table")


async def test_decisions_of_other_days_count_no_more(provider: Provider, owner: Person, keeper: Visitor) -> None:
    stored = await challenged(provider, owner)
    old = await copy(provider, owner, "fiji", country="FJ")
    await change_decision(provider, old, decided_at=stored.decided_at.replace(year=2029))

    page = await keeper.browser.open(f"{provider.issuer}/admin/decisions/countries")

    assert "FJ" not in page.text("countries-table")


async def test_the_published_baseline_stands_beside_a_decision_by_rank_alone(
    provider: Provider, keeper: Visitor
) -> None:
    """§3.3: compare ranks, never bands."""
    rp = await provider.client()
    owner = await settled(provider, rp, 24)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    await stranger.arrive(rp)
    first, *_, last = await decisions(provider, owner.person)

    page = await visit(keeper, f"/admin/decisions/{last.id}")

    assert "more unusual than 100 % to this server" in page.text("second-ranks").replace("100%", "100 %")
    assert "FREEMAN_ADDRESS" in page.text("decision-second")
    assert "medium" not in page.text("decision-second")
    page = await visit(keeper, f"/admin/decisions/{first.id}")
    assert "nothing that was kept was learnt of this person before" in page.text("second-none")
