"""What of a person is what in SCIM: our claims, identifiers and status as attributes, and back.

What has no claim of its own, such as what an address is for, is kept in the claim `scim`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from scim2_models import ComplexAttribute, Reference

from idp.domain.json import Json
from idp.domain.user import BadIdentifier, UserStatus, normalise_email, plain_email
from idp.domain.user import User as Account
from idp.flows.admin.scim.entra import ONE_HERE
from idp.flows.admin.scim.faults import Kind, ScimProblem
from idp.flows.admin.scim.models import (
    Address,
    Email,
    EnterpriseUser,
    Membership,
    Meta,
    Name,
    Person,
    PhoneNumber,
    User,
)
from idp.storage.groups import Group
from idp.storage.users import EXTERNAL_ID

KEPT = "scim"  # the claim for what has no other
#: Attribute → claim, where one text is the other.
SIMPLE: Mapping[str, str] = {
    "external_id": EXTERNAL_ID, "display_name": "name", "nick_name": "nickname", "profile_url": "profile",
    "title": "title", "user_type": "user_type", "preferred_language": "preferred_language", "locale": "locale",
    "timezone": "zoneinfo",
}  # fmt: skip
NAME: Mapping[str, str] = {
    "family_name": "family_name", "given_name": "given_name", "middle_name": "middle_name",
    "honorific_prefix": "honorific_prefix", "honorific_suffix": "honorific_suffix",
}  # fmt: skip
ENTERPRISE: Mapping[str, str] = {
    name: name for name in ("employee_number", "cost_center", "organization", "division", "department")
}
ADDRESS: Mapping[str, str] = {
    name: name for name in ("formatted", "street_address", "locality", "region", "postal_code", "country")
}
_LONGEST_ID = 255
_Part = TypeVar("_Part", bound=ComplexAttribute)


@dataclass(frozen=True, slots=True)
class Written:
    """What a client said of a person, in our words; a claim that is None goes."""

    email: str | None
    username: str | None
    claims: Mapping[str, Json]
    is_active: bool | None


def shown(user: Account, groups: Sequence[Group], root: str, version: str, *, sees_all: bool) -> Any:
    """Return a person as SCIM shows them; only who they are to those who may know no more."""
    claims = user.claims if sees_all else {"name": user.claims.get("name")}
    kept = _object(claims.get(KEPT))
    values: dict[str, Any] = {name: _text(claims.get(claim)) for name, claim in SIMPLE.items()}
    name = {**_texts(claims, NAME), **_given(formatted=_text(kept.get("formatted")))}
    enterprise: dict[str, Any] = dict(_texts(claims, ENTERPRISE))
    values |= {
        "schemas": [str(User.__schema__), *([str(EnterpriseUser.__schema__)] if enterprise else [])],
        "id": user.id, "user_name": user.username or user.email or user.id, "active": user.is_active,
        "name": Name(**name) if name else None, "EnterpriseUser": EnterpriseUser(**enterprise) if enterprise else None,
        "emails": _one(Email, kept, "email", value=user.email),
        "phone_numbers": _one(PhoneNumber, kept, "phone", value=_text(claims.get("phone_number"))),
        "addresses": _one(Address, kept, "address", **_texts(_object(claims.get("address")), ADDRESS)),
        "groups": [_membership(each, root) for each in groups] or None,
        "meta": Meta(
            resource_type="User", created=user.created_at, last_modified=user.updated_at,
            location=f"{root}/Users/{user.id}", version=f'W/"{version}"',
        ),
    }  # fmt: skip
    return Person(**values)


def _membership(group: Group, root: str) -> Membership:
    return Membership(value=group.id, ref=Reference(f"{root}/Groups/{group.id}"), display=group.name)


def written(person: Any, before: Account | None = None) -> Written:
    """Return what a resource says; raise ScimProblem for what we cannot keep. `before` is the person as they were."""
    email, phone = _only(person.emails, "emails"), _only(person.phone_numbers, "phoneNumbers")
    address = _only(person.addresses, "addresses")
    name, enterprise = person.name or Name(), person.EnterpriseUser or EnterpriseUser()
    if person.external_id is not None and len(person.external_id) > _LONGEST_ID:
        raise ScimProblem(Kind.INVALID_VALUE, f"externalId has {_LONGEST_ID} characters at most")
    claims: dict[str, Json] = {}
    for source, names in ((person, SIMPLE), (name, NAME), (enterprise, ENTERPRISE)):
        claims |= {claim: _value(getattr(source, attribute)) for attribute, claim in names.items()}
    claims["phone_number"] = _value(phone.value) if phone is not None else None
    places = _given(**{claim: _value(getattr(address, each, None)) for each, claim in ADDRESS.items()})
    claims["address"] = places or None
    kept = {
        **_given(formatted=_value(name.formatted)), **_kept("email", email), **_kept("phone", phone),
        **_kept("address", address),
    }  # fmt: skip
    claims[KEPT] = kept or None
    wanted_email = _value(email.value) if email is not None else None
    address_of, username = _identifiers(_value(person.user_name), wanted_email, before)
    return Written(_spelled(address_of, before), username, claims, person.active)


def _spelled(email: str | None, before: Account | None) -> str | None:
    """Return an address as it is kept; another spelling of the one that is there is no new one."""
    if email is None:
        return None
    try:
        kept = plain_email(email)
    except BadIdentifier as error:
        raise ScimProblem(Kind.INVALID_VALUE, "emails: not an address that can be written to") from error
    old = before.email if before is not None else None
    return old if old is not None and normalise_email(old) == normalise_email(kept) else kept


def _identifiers(user_name: str | None, email: str | None, before: Account | None) -> tuple[str | None, str | None]:
    """Return e-mail address and username; a userName with an @ is the address itself, and of the two the new one."""
    if user_name is None:
        raise ScimProblem(Kind.INVALID_VALUE, "userName is needed")
    if before is not None and user_name == before.id and before.username is None and before.email is None:
        return email, None
    if "@" not in user_name:
        return email, user_name
    if email is None or _same(email, user_name):
        return user_name if email is None else email, None
    old = before.email if before is not None and before.username is None else None
    if old is not None and _same(old, user_name):
        return email, None
    if old is not None and _same(old, email):
        return user_name, None
    raise ScimProblem(Kind.INVALID_VALUE, "a userName with an @ is the e-mail address: emails must say the same one")


def differs(user: Account, said: Written) -> bool:
    """Say whether a person would be changed, their status aside."""
    claims = any((user.claims.get(name) or None) != value for name, value in said.claims.items())
    return claims or said.email != user.email or said.username != user.username


def status_of(said: Written, status: UserStatus) -> UserStatus:
    """Return the status that is wanted; what was not said stays."""
    if said.is_active is None:
        return status
    return UserStatus.ACTIVE if said.is_active else UserStatus.DISABLED


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _only(values: Sequence[_Part] | None, attribute: str) -> _Part | None:
    """Return the one value of an attribute that has many in SCIM."""
    found = [each for each in values or () if each is not None]
    if len(found) > 1:
        raise ScimProblem(Kind.INVALID_VALUE, f"{attribute}: {ONE_HERE}")
    return found[0] if found else None


def _one(part: type[_Part], kept: Mapping[str, Json], kind: str, **values: str | None) -> list[_Part] | None:
    given: dict[str, Any] = dict(_given(**values))
    if not given:
        return None
    given |= {**_given(type=_text(kept.get(f"{kind}_type"))), "primary": kept.get(f"{kind}_primary") is not False}
    return [part(**given)]


def _kept(kind: str, part: Any) -> dict[str, Json]:
    """Return what has no claim of an e-mail address, a number or a place: what it is for, and that it is not first."""
    if part is None:
        return {}
    is_first: dict[str, Json] = {} if part.primary is not False else {f"{kind}_primary": False}
    return {**_given(**{f"{kind}_type": _value(part.type)}), **is_first}


def _texts(source: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, str]:
    return _given(**{attribute: _text(source.get(claim)) for attribute, claim in names.items()})


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _value(value: Any) -> str | None:
    """Return what was written as a text; an empty one says nothing."""
    return str(value) if value is not None and str(value) else None


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
