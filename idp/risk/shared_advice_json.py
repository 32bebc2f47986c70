"""The JSON in which the database keeps what advice shares between processes.

What cannot be read, since another version wrote it, is taken for nothing: limits and breaker begin anew, the friction
budget is empty.
"""

from datetime import date, datetime, timedelta

from idp.domain.json import Json, JsonObject
from idp.providers.adviser.port import RawAnswer
from idp.risk.allowance import WHOLE_PROMPT, Bucket, Calls, Spent
from idp.risk.breaker import WINDOW, Breaker

DAY = timedelta(days=1)


def of_answer(answer: RawAnswer) -> JsonObject:
    """Return an answer as JSON."""
    return {
        "text": answer.text,
        "version": answer.version,
        "finish_reason": answer.finish_reason,
        "is_refusal": answer.is_refusal,
        "tokens_in": answer.tokens_in,
        "tokens_out": answer.tokens_out,
    }


def answer(content: JsonObject) -> RawAnswer | None:
    """Return the answer; None if it is unreadable."""
    text, finish_reason, is_refusal = content.get("text"), content.get("finish_reason"), content.get("is_refusal")
    numbers = [_count(content.get(name)) for name in ("version", "tokens_in", "tokens_out")]
    version, tokens_in, tokens_out = numbers
    if not isinstance(text, str) or not isinstance(finish_reason, str) or not isinstance(is_refusal, bool):
        return None
    if version is None or tokens_in is None or tokens_out is None:
        return None
    return RawAnswer(text, version, finish_reason, is_refusal, tokens_in, tokens_out)


def of_breaker(breaker: Breaker) -> JsonObject:
    """Return the breaker as JSON; its pause in seconds."""
    return {
        "recent": list(breaker.recent),
        "open_until": _of_moment(breaker.open_until),
        "pause": int(breaker.pause.total_seconds()),
        "probing_since": _of_moment(breaker.probing_since),
    }


def breaker(content: JsonObject) -> Breaker:
    """Return the breaker; a closed one if there is none."""
    recent, pause = content.get("recent"), _count(content.get("pause"))
    if not isinstance(recent, list) or not all(isinstance(each, bool) for each in recent) or pause is None:
        return Breaker()
    return Breaker(
        tuple(each is True for each in recent[-WINDOW:]),
        _moment(content.get("open_until")),
        timedelta(seconds=pause),
        _moment(content.get("probing_since")),
    )


def of_calls(calls: Calls) -> JsonObject:
    """Return the calls as JSON."""
    return {"at": [_of_moment(moment) for moment in calls.at]}


def calls(content: JsonObject) -> Calls:
    """Return the calls; none if nothing was kept."""
    at = content.get("at")
    moments = [_moment(each) for each in at] if isinstance(at, list) else []
    return Calls(tuple(moment for moment in moments if moment is not None))


def of_spent(spent: Spent) -> JsonObject:
    """Return a day's spending as JSON."""
    return {
        "day": spent.day.isoformat(),
        "calls": spent.calls,
        "tokens_in": spent.tokens_in,
        "tokens_out": spent.tokens_out,
    }


def spent(content: JsonObject, today: date) -> Spent:
    """Return what was spent today; on the day after it if a process whose clock is ahead has begun that already."""
    day = _day(content.get("day"))
    numbers = [_count(content.get(name)) for name in ("calls", "tokens_in", "tokens_out")]
    number, tokens_in, tokens_out = numbers
    if day is None or number is None or tokens_in is None or tokens_out is None:
        return Spent(today)
    return Spent(day, number, tokens_in, tokens_out).on(day if day - today == DAY else today)


def of_bucket(bucket: Bucket) -> JsonObject:
    """Return the friction budget as JSON."""
    return {"millionths": bucket.millionths}


def bucket(content: JsonObject) -> Bucket:
    """Return the friction budget; an empty one if there is none."""
    return Bucket(min(_count(content.get("millionths")) or 0, WHOLE_PROMPT))


def _of_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(value: Json) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else moment


def _day(value: Json) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _count(value: Json) -> int | None:
    return value if type(value) is int and value >= 0 else None
