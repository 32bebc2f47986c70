"""From the fields of one line to an account: checked like a single account is, and its password's hash read."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from idp.domain.json import Json, JsonObject
from idp.domain.refusal import Refusal
from idp.domain.user import USER_ID, User, UserStatus
from idp.factors.foreign_hashes import formats
from idp.factors.foreign_hashes.firebase import FirebaseProject
from idp.factors.foreign_hashes.recipe import ForeignHash, Unverifiable
from idp.flows.new_account import NewUser, account_of
from idp.flows.profile import LONGEST_NAME, is_plausible_claim
from idp.flows.user_import_fault import Faulty, Problem
from idp.storage.columns import EPOCH
from idp.storage.users import MOST_GROUPS

EXTERNAL_ID = "external_id"  #: the claim that keeps what another system called the account
LONGEST_URL = 1000
TEXTS = (
    "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "gender", "birthdate",
    "zoneinfo", "locale",
)  # fmt: skip
URLS = ("profile", "picture", "website")
FLAGS = ("email_verified", "phone_number_verified", "disabled")
OTHERS = ("email", "username", "phone_number", "address", "groups", "id", "created_at", "password_hash")
FIELDS = frozenset({*TEXTS, *URLS, *FLAGS, *OTHERS})
_ADDRESS = frozenset({"formatted", "street_address", "locality", "region", "postal_code", "country"})
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_UNSAFE = frozenset({"Cc", "Zl", "Zp"})
_SENTENCES = {
    Refusal.EMAIL_INVALID: ("email", "not an e-mail address"),
    Refusal.USERNAME_INVALID: ("username", "a username has 1 to 64 visible characters, no spaces and no @"),
    Refusal.MISSING_FIELDS: ("email", "an account needs email or username"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may be made, and the hash its password has until then."""

    user: User
    foreign: ForeignHash | None
    keeps_id: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How the fields of a line are understood; `now` bounds what may lie in the past."""

    keep_ids: bool
    project: FirebaseProject | None
    now: datetime


def candidate_of(fields: JsonObject, reading: Reading) -> Candidate:
    """Return the account that a line stands for; raise Faulty with the first thing that is wrong."""
    given = {name: value for name, value in fields.items() if value is not None and value != ""}
    claims = _claims(given)
    email, username = _text(given, "email"), _text(given, "username")
    email_verified = given.get("email_verified", False)
    if email is None and email_verified:
        raise Faulty("email_verified", Problem.INVALID, "there is no email that could be verified")
    external = _external_id(given)
    if external is not None and not reading.keep_ids:
        claims[EXTERNAL_ID] = external
    made = account_of(NewUser(email, username, None, claims, email_verified=email_verified is True))
    if isinstance(made, Refusal):
        field, sentence = _SENTENCES[made]
        raise Faulty(field, made, sentence)
    user = replace(
        made,
        id=external if external is not None and reading.keep_ids else made.id,
        status=UserStatus.DISABLED if given.get("disabled") is True else UserStatus.ACTIVE,
        created_at=_created_at(given, reading.now),
        updated_at=reading.now,
    )
    if reading.keep_ids and not USER_ID.fullmatch(user.id):
        raise Faulty("id", Problem.INVALID, "an id that is kept has 26 characters out of a–z and 2–7")
    foreign = _foreign(given.get("password_hash"), reading.project)
    return Candidate(user, foreign, keeps_id=external is not None and reading.keep_ids)


def _claims(given: JsonObject) -> dict[str, Json]:
    for name in FLAGS:
        if not isinstance(given.get(name, False), bool):
            raise Faulty(name, Problem.INVALID, "neither true nor false")
    claims: dict[str, Json] = {}
    for name in given:
        read = _READERS.get(name)
        if read is not None:
            value = read(name, given[name])
            if value not in ("", [], {}):
                claims[name] = value
    if given.get("phone_number_verified") and "phone_number" not in claims:
        raise Faulty("phone_number_verified", Problem.INVALID, "there is no phone_number that could be verified")
    return claims


def _text(given: JsonObject, name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise Faulty(name, Problem.INVALID, "not a text")
    return value


def _line(name: str, value: Json, *, longest: int = LONGEST_NAME, form: str | None = None) -> str:
    """Return one line of text: spaces put together, nothing invisible; raise Faulty. `form` names a claim like it."""
    if not isinstance(value, str):
        raise Faulty(name, Problem.INVALID, "not a text")
    if any(unicodedata.category(character) in _UNSAFE for character in value):
        raise Faulty(name, Problem.INVALID, "with control characters or line breaks")
    plain = " ".join(value.split())
    if len(plain) > longest:
        raise Faulty(name, Problem.INVALID, f"longer than {longest} characters")
    if not is_plausible_claim(form or name, plain):
        raise Faulty(name, Problem.INVALID, "with invisible characters, or not of the form of this claim")
    return plain


def _url(name: str, value: Json) -> str:
    return _line(name, value, longest=LONGEST_URL, form="website")


def _phone(name: str, value: Json) -> str:
    if not isinstance(value, str) or not _PHONE.fullmatch(value):
        raise Faulty(name, Problem.INVALID, "not a phone number like +4930123456")
    return value


def _groups(name: str, value: Json) -> list[Json]:
    if not isinstance(value, list) or len(value) > MOST_GROUPS:
        raise Faulty(name, Problem.INVALID, f"not a list of at most {MOST_GROUPS} names")
    names = [_line(name, each) for each in value]
    if "" in names or len(set(names)) != len(names):
        raise Faulty(name, Problem.INVALID, "a group without a name, or named twice")
    return list(names)


def _address(name: str, value: Json) -> dict[str, Json]:
    if not isinstance(value, dict) or value.keys() - _ADDRESS:
        raise Faulty(name, Problem.INVALID, f"not an object with some of {', '.join(sorted(_ADDRESS))}")
    found: dict[str, Json] = {}
    for part, text in value.items():  # OIDC Core §5.1.1: street and whole address may have several lines
        several = part in ("formatted", "street_address") and isinstance(text, str)
        lines = text.replace("\r\n", "\n").split("\n") if several and isinstance(text, str) else [text]
        found[part] = "\n".join(_line(name, line) for line in lines)
    return found


def _external_id(given: JsonObject) -> str | None:
    value = given.get("id")
    return None if value is None else _line("id", value)


def _created_at(given: JsonObject, now: datetime) -> datetime:
    value = given.get("created_at")
    if value is None:
        return now
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise Faulty("created_at", Problem.INVALID, "not a time like 2024-05-31T08:15:00Z")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Faulty("created_at", Problem.INVALID, "there is no such time") from error
    if not EPOCH <= moment <= now:
        raise Faulty("created_at", Problem.INVALID, "before 1970, or still to come")
    return moment


def _foreign(written: Json, project: FirebaseProject | None) -> ForeignHash | None:
    if written is None:
        return None
    try:
        return formats.read(written, project=project)
    except Unverifiable as error:
        raise Faulty("password_hash", Problem.HASH_UNVERIFIABLE, str(error)) from error


def _flag(_name: str, value: Json) -> Json:
    return value  # looked at already


_READERS: dict[str, Callable[[str, Json], Json]] = {
    **dict.fromkeys(TEXTS, _line), **dict.fromkeys(URLS, _url),
    "phone_number": _phone, "phone_number_verified": _flag, "address": _address, "groups": _groups,
}  # fmt: skip
