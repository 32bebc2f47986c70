"""The members of a stream's configuration, its subjects and its polls, as receivers write them and read them back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from idp.domain.json import Json, JsonObject
from idp.oauth.extensions import ssf
from idp.storage.webhooks import Form, HookState, Webhook

LONGEST_URL = 2048
LONGEST_HEADER = 2048
LONGEST_TEXT = 255
LONGEST_STATE = 1024
MOST_KINDS = 100
MOST_SETS = 100
MOST_ACKNOWLEDGED = 500
VERIFICATION_SECONDS = 60


class Refusal(StrEnum):
    """Why a receiver's request was refused."""

    INVALID = "invalid_request"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_MANY = "too_many_requests"


class StreamRefused(Exception):
    """Nothing of a request was done; says why in words for the receiver's developers."""

    def __init__(self, refusal: Refusal, why: str) -> None:
        """Keep the kind of refusal."""
        super().__init__(why)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Poll:
    """What a poll says: what was taken, what could not be read and why, and how many tokens are wanted."""

    taken: Sequence[str]
    refused: Sequence[tuple[str, str]]
    most: int


def text_of(given: JsonObject, name: str) -> str | None:
    """Return a member that is a text, None if it is missing; raise StreamRefused for anything else."""
    value = given.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= LONGEST_URL and _is_plain(value)):
        raise _invalid(f"{name} is a text")
    return value


def _is_plain(text: str) -> bool:
    return text.isprintable() and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _invalid(why: str) -> StreamRefused:
    return StreamRefused(Refusal.INVALID, why)


def described(hook: Webhook, issuer: str) -> JsonObject:
    """Return a stream's configuration (SSF §8.1.1); the credential for a receiver's endpoint is not repeated."""
    delivery = {"method": ssf.PUSH, "endpoint_url": hook.url}
    if hook.form is Form.POLL:
        delivery = {"method": ssf.POLL, "endpoint_url": f"{issuer}/ssf/poll/{hook.id}"}
    document: dict[str, Json] = {
        "stream_id": hook.id, "iss": issuer, "aud": hook.client_id, "delivery": delivery,
        "events_supported": list(ssf.SUPPORTED), "events_requested": hook.stream.get("requested", []),
        "events_delivered": list(hook.kinds), "min_verification_interval": VERIFICATION_SECONDS,
    }  # fmt: skip
    if isinstance(hook.stream.get("description"), str):
        document["description"] = hook.stream["description"]
    return document


def status_of(hook: Webhook) -> JsonObject:
    """Return a stream's status (SSF §8.1.2); one that nobody took events of for days waits for its receiver."""
    if hook.state is HookState.ACTIVE:
        return {"stream_id": hook.id, "status": "enabled"}
    if hook.stream.get("disabled"):
        return {"stream_id": hook.id, "status": "disabled"}
    reason = {"reason": f"deliveries failed: {hook.why}"} if hook.state is HookState.OFF else {}
    return {"stream_id": hook.id, "status": "paused", **reason}


def read_members(hook: Webhook, given: JsonObject, *, issuer: str, is_whole: bool) -> Webhook:
    """Return a stream with what a receiver wrote; raise StreamRefused.

    With `is_whole` what is missing is what it would be in a new stream. What the provider decides may be repeated as it
    is, and nothing else.
    """
    _check_repeated(hook, given, issuer)
    stream = {} if is_whole else dict(hook.stream)
    stream |= {name: hook.stream[name] for name in ("disabled", "verified_at") if name in hook.stream}
    if "description" in given:
        stream["description"] = text_of({"description": given["description"]}, "description")
        if len(str(stream["description"])) > LONGEST_TEXT:
            raise _invalid(f"description has at most {LONGEST_TEXT} characters")
    kinds = hook.kinds if not is_whole else ()
    if "events_requested" in given:
        requested = _words(given["events_requested"])
        stream["requested"] = requested
        kinds = tuple(each for each in ssf.SUPPORTED if each in requested)
    changed = replace(hook, stream=stream, kinds=kinds)
    if "delivery" in given:
        return _delivered(changed, given["delivery"], issuer)
    return replace(changed, form=Form.POLL, url="", authorization=None) if is_whole else changed


def _check_repeated(hook: Webhook, given: JsonObject, issuer: str) -> None:
    known = described(hook, issuer)
    for name in ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval"):
        if name in given and given[name] != known[name] and given[name] != [known[name]]:
            raise _invalid(f"{name} is decided by the transmitter")


def _words(value: Json) -> list[str]:
    words = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(words) != len(value) or len(words) > MOST_KINDS:
        raise _invalid("events_requested is a list of event types")
    if not all(len(each) <= LONGEST_TEXT and _is_plain(each) for each in words):
        raise _invalid("events_requested is a list of event types")
    return list(dict.fromkeys(words))


def _delivered(hook: Webhook, delivery: Json, issuer: str) -> Webhook:
    if not isinstance(delivery, Mapping):
        raise _invalid("delivery is an object")
    method, url = text_of(delivery, "method"), text_of(delivery, "endpoint_url")
    if method == ssf.POLL:
        if url is not None and url != f"{issuer}/ssf/poll/{hook.id}":
            raise _invalid("endpoint_url of a stream that is polled is decided by the transmitter")
        return replace(hook, form=Form.POLL, url="", authorization=None)
    if method != ssf.PUSH or url is None:
        raise _invalid(f"delivery has the method {ssf.PUSH} and an endpoint_url, or the method {ssf.POLL}")
    header = text_of(delivery, "authorization_header")
    if header is None and hook.form is Form.PUSH and hook.url == url:
        header = hook.authorization  # it was never shown, so nobody can repeat it
    if header is not None and not (0 < len(header) <= LONGEST_HEADER and header.isascii()):
        raise _invalid("authorization_header is the value of a header")
    return replace(hook, form=Form.PUSH, url=url, authorization=header)


def read_subject(subject: Json, issuer: str) -> str:
    """Return whom a subject names, in the format `iss_sub`; raise StreamRefused for any other."""
    if not isinstance(subject, Mapping) or subject.get("format") != "iss_sub" or subject.get("iss") != issuer:
        raise _invalid("subject has the format iss_sub, and our issuer")
    name = text_of(subject, "sub")
    if not name or len(name) > LONGEST_TEXT:
        raise _invalid("subject has a sub")
    return name


def read_poll(given: JsonObject) -> Poll:
    """Return what a poll says (RFC 8936 §2.2); raise StreamRefused. It is answered at once, whatever it would wait."""
    most, taken, refused = given.get("maxEvents", MOST_SETS), given.get("ack", []), given.get("setErrs", {})
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise _invalid("maxEvents is a number")
    if not isinstance(given.get("returnImmediately", False), bool):
        raise _invalid("returnImmediately is true or false")
    if not isinstance(taken, list) or not all(isinstance(each, str) and each.isascii() for each in taken):
        raise _invalid("ack is a list of token identifiers")
    if not isinstance(refused, Mapping) or len(taken) + len(refused) > MOST_ACKNOWLEDGED:
        raise _invalid(f"ack and setErrs name at most {MOST_ACKNOWLEDGED} tokens")
    faults = [(jti, _fault(error)) for jti, error in refused.items() if jti.isascii()]
    return Poll([str(each) for each in taken if "\0" not in str(each)], faults, min(most, MOST_SETS))


def _fault(error: Json) -> str:
    code = error.get("err") if isinstance(error, Mapping) else None
    plain = isinstance(code, str) and code.isascii() and code.isprintable()
    return f"refused by its receiver: {str(code)[:50]}" if plain else "refused by its receiver"
