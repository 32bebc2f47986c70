"""What an administrator's change did: the members that differ, before and after, without what nobody may read there."""

from collections.abc import Iterable, Mapping

from idp.domain.json import Json, JsonObject

SECRETS = frozenset({
    "client_secret", "password", "secret", "registration_access_token", "token", "recovery_codes", "private_key", "d",
    "k", "p", "q", "dp", "dq", "qi",
})  # fmt: skip
PERSONAL = frozenset({
    "email", "username", "phone", "phone_number", "name", "given_name", "family_name", "middle_name", "nickname",
    "preferred_username", "picture", "profile", "website", "gender", "birthdate", "address", "claims",
})  # fmt: skip
HIDDEN = "(not shown)"


def difference(
    before: JsonObject, after: JsonObject, *, hidden: Iterable[str] = SECRETS
) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the members that differ, as they were and as they are; a hidden one only says that it changed.

    A hidden name counts at every depth. Members that are on one side only stand on that side only.
    """
    names, unequal = frozenset(hidden), [name for name in {**before, **after} if _differs(name, before, after)]
    return _shown(before, unequal, names), _shown(after, unequal, names)


def _differs(name: str, before: JsonObject, after: JsonObject) -> bool:
    return (name in before) is not (name in after) or before.get(name) != after.get(name)


def _shown(document: JsonObject, members: Iterable[str], hidden: frozenset[str]) -> dict[str, Json]:
    return {name: _veiled(name, document[name], hidden) for name in members if name in document}


def _veiled(name: str, value: Json, hidden: frozenset[str]) -> Json:
    if name in hidden:
        return HIDDEN
    if isinstance(value, Mapping):
        return {inner: _veiled(inner, content, hidden) for inner, content in value.items()}
    if isinstance(value, list | tuple):
        return [_veiled("", each, hidden) for each in value]
    return value
