"""Who did it, and how it ended, where nobody said so."""

import pytest

from idp.domain.event import Actor, ActorKind, Event, EventKind, Result, actor_of, result_of


@pytest.mark.parametrize(
    ("event", "actor"),
    [
        (Event(EventKind.SIGNED_IN, user_id="ada"), Actor(ActorKind.USER, "ada")),
        (Event(EventKind.SIGN_IN_REFUSED, user_id="ada"), Actor(ActorKind.STRANGER)),
        (Event(EventKind.TOKENS_REFRESHED, user_id="ada", client_id="rp"), Actor(ActorKind.CLIENT, "rp")),
        (Event(EventKind.TOKEN_REVOKED, user_id="ada"), Actor(ActorKind.USER, "ada")),
        (Event(EventKind.ACCOUNT_DELETED, user_id="ada"), Actor(ActorKind.SYSTEM)),
        (Event(EventKind.DRAFT_APPROVED, user_id="ada"), None),
        (Event(EventKind.USER_CHANGED, user_id="ada"), None),
        (Event(EventKind.USER_CHANGED, user_id="ada", actor=Actor(ActorKind.USER, "eve", "owner")),
         Actor(ActorKind.USER, "eve", "owner")),
    ],
)  # fmt: skip
def test_an_actor_is_what_was_said_else_what_the_kind_of_event_says(event: Event, actor: Actor | None) -> None:
    assert actor_of(event) == actor


def test_a_result_is_what_was_said_else_what_the_kind_of_event_says() -> None:
    assert result_of(Event(EventKind.SIGNED_IN)) is Result.DONE
    assert result_of(Event(EventKind.THROTTLED)) is Result.REFUSED
    assert result_of(Event(EventKind.USER_CHANGED, result=Result.REFUSED)) is Result.REFUSED
