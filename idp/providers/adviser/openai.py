"""An adviser, and a writer, behind OpenAI's chat completions, or behind anything that speaks like them.

The official client, held short: one attempt, a short time, no redirects, no headers of its own about this machine or
its environment, and at most 64 kB of an answer. Nothing is asked without a usable key, and nothing is logged.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Literal

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, OpenAIError, omit
from openai.types.chat import ChatCompletionMessageParam

from idp.domain.advice import Payload
from idp.domain.json import BadJson, Json, JsonObject, read_object
from idp.providers.adviser.port import AdviserDelayed, AdviserRejected, Brief, RawAnswer

MAX_ANSWER = 64 * 1024
MAX_TOKENS = 300  # an honest answer takes 80
MAX_WRITTEN = 1500
SECONDS = timedelta(seconds=20)
WRITING = timedelta(seconds=25)
SEED = 7
WRONG_WITH_US = frozenset({400, 401, 403, 404, 422})  # the key, the model or the request; trying again changes nothing
SENT_HEADERS = frozenset(
    {"host", "content-type", "content-length", "connection", "accept", "user-agent", "authorization"}
)
Role = Literal["system", "user"]
Messages = tuple[tuple[Role, str], ...]
# At DEBUG, which OPENAI_LOG switches on, the client prints what it sends.
logging.getLogger("openai").setLevel(logging.WARNING)


class OpenAiAdviser:
    """Asks one pinned model, at temperature 0, to answer by a strict schema."""

    is_outside = True

    def __init__(
        self, api_key: str | None, *, base_url: str, model: str, brief: Brief, timeout: timedelta = SECONDS
    ) -> None:
        """Ask that model at that address; a key that is missing or cannot be sent is found out by `ask`."""
        self.model = model
        self._brief = brief
        self._service = _Service(api_key, base_url, model, timeout)

    async def ask(self, payload: Payload) -> RawAnswer:
        """Return what the model said.

        Raises AdviserRejected for a bad key, model or request, AdviserDelayed for everything that may pass.
        """
        messages: Messages = (("system", self._brief.prompt), ("user", payload.to_bytes().decode("ascii")))
        return _read(await self._service.post(messages, ("advice", self._brief.schema), MAX_TOKENS), payload.v)

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()


class OpenAiWriter:
    """Has the same model draft texts for operators; it is told what they ask, and nothing of anybody's sign-in."""

    def __init__(self, api_key: str | None, *, base_url: str, model: str, timeout: timedelta = WRITING) -> None:
        """Ask that model at that address; a key that is missing or cannot be sent is found out by `write`."""
        self.model = model
        self._service = _Service(api_key, base_url, model, timeout)

    async def write(self, prompt: str, schema: JsonObject | None = None) -> str:
        """Return what the model wrote.

        Raises AdviserRejected for a bad key, model or request, or if the model would not; AdviserDelayed for everything
        that may pass.
        """
        shape = None if schema is None else ("draft", schema)
        answer = _read(await self._service.post((("user", prompt),), shape, MAX_WRITTEN), 0)
        if answer.is_refusal or answer.finish_reason != "stop":
            raise AdviserRejected("the model did not finish what it was asked for")
        return answer.text

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()


class _Service:
    """One model at one address."""

    def __init__(self, api_key: str | None, base_url: str, model: str, timeout: timedelta) -> None:
        self._model = model
        self._seconds = timeout.total_seconds()
        self._has_key = bool(api_key) and (api_key or "").isascii() and (api_key or "").isprintable()
        http = httpx2.AsyncClient(
            transport=_Held(httpx2.AsyncHTTPTransport(retries=0)), timeout=self._seconds, trust_env=False
        )
        self._client = AsyncOpenAI(
            api_key=api_key if api_key and self._has_key else "missing",
            base_url=base_url,
            max_retries=0,
            timeout=self._seconds,
            http_client=http,
        )

    async def post(self, messages: Messages, shape: tuple[str, JsonObject] | None, most: int) -> str:
        """Return the body of one answer."""
        if not self._has_key:
            raise AdviserRejected("IDP_OPENAI_API_KEY is missing or cannot be sent")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(messages, shape, most)
        except TimeoutError as error:
            raise AdviserDelayed("the model took too long") from error
        except APIStatusError as error:
            refused = AdviserRejected if error.status_code in WRONG_WITH_US else AdviserDelayed
            raise refused(f"the service said {error.status_code}") from None  # its words may quote the key
        except _TooMuch as error:
            raise AdviserDelayed(str(error)) from None
        except (OpenAIError, httpx2.HTTPError, ValueError) as error:
            cause = error.__cause__ if isinstance(error, APIConnectionError) else None
            raise AdviserDelayed(f"no answer: {type(cause or error).__name__}") from None

    async def close(self) -> None:
        await self._client.close()

    async def _post(self, messages: Messages, shape: tuple[str, JsonObject] | None, most: int) -> str:
        response = await self._client.chat.completions.with_raw_response.create(
            model=self._model,
            messages=[_message(role, text) for role, text in messages],
            response_format=omit
            if shape is None
            else {
                "type": "json_schema",
                "json_schema": {"name": shape[0], "strict": True, "schema": dict(shape[1])},
            },
            temperature=0,
            seed=SEED,
            store=False,
            max_completion_tokens=most,
        )
        return response.http_response.text


def _message(role: Role, text: str) -> ChatCompletionMessageParam:
    return {"role": "system", "content": text} if role == "system" else {"role": "user", "content": text}


class _TooMuch(Exception):
    """The answer is longer than an answer can be, or packed so that it could be."""


class _Short(httpx2.AsyncByteStream):
    """A body that ends with an error once it is too long; the rest is never read."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for piece in self._body:
            length += len(piece)
            if length > MAX_ANSWER:
                raise _TooMuch("the service said too much")
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


class _Held(httpx2.AsyncBaseTransport):
    """Sends the headers we know, and takes plain answers of bounded length."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() in SENT_HEADERS]
        plain = httpx2.Request(  # a copy: the client reads marks of its own from the headers it made
            request.method,
            request.url,
            headers=[*headers, ("accept-encoding", "identity")],
            stream=request.stream,
            extensions=request.extensions,
        )
        response = await self._inner.handle_async_request(plain)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise _TooMuch("the answer is packed")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Short(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _read(text: str, version: int) -> RawAnswer:
    """Take from a completion what is judged later; raise AdviserDelayed if it is none."""
    try:
        completion = read_object(text)
    except BadJson as error:
        raise AdviserDelayed("the answer is not JSON") from error
    choices = completion.get("choices")
    if not isinstance(choices, Sequence) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise AdviserDelayed("the answer has another shape")
    choice: JsonObject = choices[0]
    message, usage = choice.get("message"), completion.get("usage")
    if not isinstance(message, dict):
        raise AdviserDelayed("the answer has another shape")
    content = message.get("content")
    return RawAnswer(
        text=content if isinstance(content, str) else "",
        version=version,
        finish_reason=str(choice.get("finish_reason"))[:32],
        is_refusal=bool(message.get("refusal")) or bool(message.get("tool_calls")),
        tokens_in=_count(usage, "prompt_tokens"),
        tokens_out=_count(usage, "completion_tokens"),
    )


def _count(usage: Json, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= 1_000_000 else 0
