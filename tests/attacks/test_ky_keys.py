"""KY02, FT18: keys that are published, sign, retire and are revoked while several workers serve (I7)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.policy import lifetimes
from tests.support.attacker import through, tokens_for
from tests.support.databases import KINDS
from tests.support.provider import DAY
from tests.support.target import Target, target


@pytest.fixture(params=KINDS)
async def rotating(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    """A provider with a copy of the keys, so that it may change them."""
    async with target(request.param, tmp_path, own_keys=True) as running:
        yield running


async def published(worker: Target) -> dict[str, str]:
    keys = (await worker.http.get(f"{worker.issuer}/jwks")).json()["keys"]
    return {key["kid"]: key["alg"] for key in keys}


async def states(provider: Target) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in await provider.site.keys.known():
        found.setdefault(key.alg, []).append(key.state.value)
    return found


async def test_ky02_a_key_is_published_before_it_signs_and_kept_after(rotating: Target) -> None:
    rp, person = await rotating.client(), await rotating.person()
    async with rotating.twin() as twin:
        there = through(twin, rp)
        before = await published(twin)
        old = await tokens_for(rotating, rp, person)
        await rotating.site.keys.rotate()
        assert set(before) <= set(await _seen(twin, different_from=before))
        assert (await rp.decode(old.id_token)).header["kid"] == (
            await rp.decode((await tokens_for(rotating, rp, person)).id_token)
        ).header["kid"], "published is not signing yet"

        rotating.clock.advance(DAY)
        await rotating.site.keys.keep_fresh()
        await _seen(twin, signing_differs_from=(there, person, old))
        new = await tokens_for(twin, there, person)

        assert (await there.decode(new.id_token)).header["kid"] != (await there.decode(old.id_token)).header["kid"]
        assert (await there.decode(old.id_token)).claims["sub"] == person.id
        assert {(await states(rotating))[alg].count("active") for alg in ("RS256", "PS256", "ES256", "EdDSA")} == {1}


async def _seen(worker: Target, *, different_from: Any = None, signing_differs_from: Any = None) -> dict[str, str]:
    """Wait until the other worker has noticed; five seconds are allowed, half a one is usual."""
    for _ in range(250):
        keys = await published(worker)
        if different_from is not None and keys != different_from:
            return keys
        if signing_differs_from is not None:
            rp, person, old = signing_differs_from
            new = await tokens_for(worker, rp, person)
            if (await rp.decode(new.id_token)).header["kid"] != (await rp.decode(old.id_token)).header["kid"]:
                return keys
        await asyncio.sleep(0.02)
    raise AssertionError("the other worker never noticed")


async def test_ft18_workers_that_rotate_at_once_end_with_one_active_key(rotating: Target) -> None:
    """I7: exactly one active key for each algorithm, and every kid that signs is published."""
    async with rotating.twin() as twin:
        await rotating.site.keys.rotate()
        rotating.clock.advance(DAY)

        await asyncio.gather(*(worker.site.keys.keep_fresh() for worker in (rotating, twin, rotating, twin)))

        assert {alg: found.count("active") for alg, found in (await states(rotating)).items()} == dict.fromkeys(
            ("RS256", "PS256", "ES256", "EdDSA"), 1
        )
        rp, person = await rotating.client(), await rotating.person()
        tokens = await tokens_for(rotating, rp, person)
        assert (await rp.decode(tokens.id_token)).claims["sub"] == person.id
        files = {path.stem for path in (Path(rotating.environment["IDP_KEYS_DIR"])).glob("*.key")}
        assert {key.private_ref for key in await rotating.site.keys.known()} <= files


async def test_ky02_a_revoked_key_is_refused_everywhere(rotating: Target) -> None:
    rp, person = await rotating.client(), await rotating.person()
    tokens = await tokens_for(rotating, rp, person)
    kid = (await rp.decode(tokens.access_token)).header["kid"]
    async with rotating.twin() as twin:
        before = await published(twin)

        assert await rotating.site.keys.end(kid, revoke=True)

        assert kid not in await _seen(twin, different_from=before)
        for worker in (rotating, twin):
            assert not await through(worker, rp).is_active(tokens.access_token)
            assert (await tokens_for(worker, through(worker, rp), person)).status == 200


def test_ky02_lifetimes_leave_time_to_learn_of_a_key() -> None:
    cache = timedelta(minutes=10)
    longest = max(lifetimes.ID_TOKEN, *lifetimes.ACCESS_TOKEN.values())
    assert cache <= lifetimes.KEY_AHEAD
    assert longest <= lifetimes.KEY_RETIRED_PUBLISHED
