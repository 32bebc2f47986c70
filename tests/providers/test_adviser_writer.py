"""The writer: the same client, held as short, that drafts texts for operators."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from idp.providers.adviser.openai import OpenAiWriter
from idp.providers.adviser.port import AdviserDelayed, AdviserRejected
from tests.support.adviser_server import (
    AdviserServer,
    Behaviour,
    Flood,
    adviser_server,
    breaks_off,
    completion,
    never,
    resets,
    says,
)

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@asynccontextmanager
async def writing(
    behaviour: Behaviour, key: str | None = "sk-test", seconds: float = 20
) -> AsyncIterator[tuple[OpenAiWriter, AdviserServer]]:
    async with adviser_server(behaviour) as server:
        writer = OpenAiWriter(key, base_url=server.url, model="test-1", timeout=timedelta(seconds=seconds))
        try:
            yield writer, server
        finally:
            await writer.close()


@pytest.mark.parametrize("key", [None, "", "line\nbreak", "schlüssel"])
async def test_without_a_usable_key_nothing_is_sent(key: str | None) -> None:
    async with writing(says(completion("text")), key) as (writer, server):
        with pytest.raises(AdviserRejected):
            await writer.write("prompt")

    assert server.received == []


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (says(b"", status=401), AdviserRejected),
        (says(b"", status=500), AdviserDelayed),
        (says(b"not json"), AdviserDelayed),
        (Flood(), AdviserDelayed),
        (breaks_off, AdviserDelayed),
        (resets, AdviserDelayed),
        (says(completion("half a text", finish_reason="length")), AdviserRejected),
        (says(completion("", refusal="I would rather not")), AdviserRejected),
        (says(completion("", tool_calls=[{"id": "1"}])), AdviserRejected),
    ],
)
async def test_what_is_no_text_is_an_exception_of_the_port(behaviour: Behaviour, error: type[Exception]) -> None:
    async with writing(behaviour) as (writer, _):
        with pytest.raises(error):
            await writer.write("prompt")


async def test_a_model_that_hangs_is_left() -> None:
    async with writing(never, seconds=0.1) as (writer, _):
        with pytest.raises(AdviserDelayed):
            await writer.write("prompt")


async def test_the_prompt_is_sent_alone_and_the_text_comes_back() -> None:
    async with writing(says(completion("a text"))) as (writer, server):
        plain = await writer.write("prompt")
        shaped = await writer.write("prompt", SCHEMA)

    assert (plain, shaped) == ("a text", "a text")
    first, second = server.body(0), server.body(1)
    assert first["messages"] == [{"role": "user", "content": "prompt"}]
    assert "response_format" not in first
    assert first["store"] is False
    assert second["response_format"]["json_schema"] == {"name": "draft", "strict": True, "schema": SCHEMA}
