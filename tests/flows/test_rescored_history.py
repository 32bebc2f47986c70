"""Real decisions scored again: by the same table they come out as they were; the baseline only compares orders."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from idp.cli.policy_engine import ranks_of
from idp.flows.policy_history import Named
from idp.flows.rescored_history import past_since, with_lessons
from idp.risk.rescoring import Rescoring
from idp.risk.shipped import NONE, default_tables
from tests.support.careful import ELSEWHERE, SAFARI, Visitor, careful_provider
from tests.support.provider import DAY, Provider

LONG_AGO = timedelta(days=1000)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider at which one person signed in many times, and a stranger once with their password."""
    async with careful_provider(tmp_path) as provider:
        rp = await provider.client()
        owner = Visitor(provider, await provider.person())
        for _ in range(22):
            assert provider.site.engine.risk is not None
            provider.site.engine.risk.scorer._population = None  # a day later it is read again
            await owner.sign_in(rp)
            owner.browser.cookies.delete("__Host-idp_session")
            provider.clock.advance(DAY)
        await Visitor(provider, owner.person, ELSEWHERE, SAFARI).arrive(rp)
        yield provider


async def test_stored_decisions_are_scored_again_as_they_were_and_by_another_table(provider: Provider) -> None:
    since, damaged = provider.clock.now() - LONG_AGO, Named()
    lessons = [each async for each in with_lessons(provider.site.transactions, since, damaged)]
    same, other = (Rescoring(tables, [default_tables()], provider.site.engine.risk.policies.own.band)  # type: ignore[union-attr]
                   for tables in (default_tables(), NONE))  # fmt: skip

    for record in same.over(lessons):
        facts = same.facts_of(record)
        assert facts is None or facts["risk.score"] == record.facts["risk.score"]
    assert len(list(other.over(lessons))) == len(lessons)

    assert sum(taught is not None for _, taught in lessons) == 22
    assert same.tally.rescored + sum(same.tally.skipped.values()) == len(lessons)
    assert same.tally.rescored >= 20
    assert other.tally.rescored == same.tally.rescored
    assert damaged.count == 0


async def test_the_baseline_orders_the_past_and_applies_no_policy(provider: Provider) -> None:
    kept = [each async for each in past_since(provider.site.transactions, provider.clock.now() - LONG_AGO)]

    document, lines = ranks_of(kept)

    scored = document["scored"]
    assert isinstance(scored, int)
    assert scored >= 20
    assert document["labelled_attacks"] == 0
    assert document["caught"] is None
    assert lines[0].endswith("compare ranks, never bands: no policy was applied")
    assert "nothing that was kept was learnt before" in " ".join(lines)
