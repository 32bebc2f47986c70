"""What changed, before and after, without what nobody may read there."""

from idp.domain.change import HIDDEN, PERSONAL, SECRETS, difference


def test_only_members_that_differ_are_told() -> None:
    before = {"same": [1, {"a": 2}], "old": 1, "changed": {"a": 1}}
    after = {"same": [1, {"a": 2}], "new": None, "changed": {"a": 2}}

    assert difference(before, after) == ({"old": 1, "changed": {"a": 1}}, {"new": None, "changed": {"a": 2}})


def test_nothing_is_told_of_what_stayed_the_same() -> None:
    assert difference({"client_secret": "s"}, {"client_secret": "s"}) == ({}, {})


def test_a_secret_only_says_that_it_changed_at_any_depth() -> None:
    before = {"client_secret": "first", "keys": [{"kid": "1", "d": "private"}]}
    after = {"client_secret": "second", "keys": [{"kid": "2", "d": "other"}]}

    told = difference(before, after)

    assert told == (
        {"client_secret": HIDDEN, "keys": [{"kid": "1", "d": HIDDEN}]},
        {"client_secret": HIDDEN, "keys": [{"kid": "2", "d": HIDDEN}]},
    )


def test_personal_members_are_hidden_where_that_is_asked() -> None:
    told = difference({"email": "a@x", "role": "user"}, {"email": "b@x", "role": "owner"}, hidden=SECRETS | PERSONAL)

    assert told == ({"email": HIDDEN, "role": "user"}, {"email": HIDDEN, "role": "owner"})
