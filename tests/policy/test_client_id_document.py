"""For how long the description of a client counts: what its host said, within limits that nobody can talk us out of."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.policy.client_id_document import LONGEST, SHORTEST, fresh_for

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def after(wait: timedelta) -> str:
    """Return a moment as HTTP writes it."""
    return format_datetime(NOW + wait, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "life"),
    [
        ({}, MINUTE),
        ({"cache-control": "max-age=0"}, MINUTE),
        ({"cache-control": "max-age=59"}, MINUTE),
        ({"cache-control": "max-age=61"}, timedelta(seconds=61)),
        ({"cache-control": "MAX-AGE=3600"}, HOUR),
        ({"cache-control": 'private, max-age="3600"'}, HOUR),
        ({"cache-control": "max-age=86401"}, timedelta(days=1)),
        ({"cache-control": "max-age=3600, no-cache"}, MINUTE),
        ({"cache-control": "no-store, max-age=3600"}, MINUTE),
        ({"cache-control": "max-age=-5"}, MINUTE),
        ({"cache-control": "max-age=often"}, MINUTE),
        ({"cache-control": "max-age=3600", "age": "1800"}, HOUR / 2),
        ({"cache-control": "max-age=3600", "age": "7200"}, MINUTE),
        ({"cache-control": "max-age=3600", "expires": "0"}, HOUR),
        ({"expires": after(HOUR)}, HOUR),
        ({"expires": after(HOUR), "date": after(-HOUR)}, 2 * HOUR),
        ({"expires": after(-HOUR)}, MINUTE),
        ({"expires": "0"}, MINUTE),
        ({"expires": "Wed, 02 Jan 2030 04:04:05"}, MINUTE),
        ({"expires": after(HOUR), "date": "x"}, MINUTE),
    ],
)
def test_a_document_counts_as_long_as_its_host_says(headers: dict[str, str], life: timedelta) -> None:
    """RFC 9111 §4.2.1, §5.3."""
    assert fresh_for(headers, NOW) == life


@given(
    some.dictionaries(
        some.sampled_from(["cache-control", "expires", "date", "age"]),
        some.text(max_size=40) | some.sampled_from(["max-age=" + "9" * 30, "max-age", "=,=", after(HOUR), "9" * 30]),
    )
)
def test_whatever_a_host_says_it_is_between_a_minute_and_a_day(headers: dict[str, str]) -> None:
    """Nothing raises, and nothing leaves the limits."""
    assert SHORTEST <= fresh_for(headers, NOW) <= LONGEST
