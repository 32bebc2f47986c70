"""Another OpenID provider as a way to sign in here: what an administrator says of it, and who people are there.

Its word counts for as much as the operator has decided: it says who somebody is, which is one first factor. What it
says of an address, of groups, or of how it verified somebody counts only where that was decided here (OIDC Core §5.7).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idp.domain.assurance import Factor
from idp.domain.json import Json

UPSTREAM_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
#: What may be filled in from another provider's claims: what a page shows, and nothing that anybody decides by.
MAPPED = frozenset({
    "name", "family_name", "given_name", "middle_name", "nickname", "profile", "picture", "website", "gender",
    "birthdate", "zoneinfo", "locale",
})  # fmt: skip
USUAL_CLAIMS: Mapping[str, str] = {name: name for name in ("name", "given_name", "family_name", "locale")}
#: What may be concluded from a trusted acr or amr value; no recovery code is anybody else's.
BELIEVABLE = (Factor.PASSWORD, Factor.TOTP, Factor.WEBAUTHN, Factor.EMAIL_OTP, Factor.SMS_OTP)
LONGEST_SUBJECT = 255  # OIDC Core §2
LONGEST_LABEL = 120
MOST_TOLD, LONGEST_TOLD = 12, 120


class NewAccounts(StrEnum):
    """Who gets an account by signing in at another provider: nobody, whoever was invited, or everybody."""

    OFF = "off"
    INVITED = "invited"
    ON = "on"


class UpstreamAuth(StrEnum):
    """How we prove to it who we are (OIDC Core §9)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Another provider, as it was set up here.

    `claims` maps its claims to ours, `groups` values of its claim `groups_claim` to our groups. `believes` maps
    `acr:VALUE` and `amr:VALUE` to the factors that are concluded from it. It vouches for addresses only if
    `trusts_email`, and then only for those of its `domains`, if there are any.
    """

    id: str
    name: str
    issuer: str
    client_id: str
    created_at: datetime
    changed_at: datetime
    auth_method: UpstreamAuth = UpstreamAuth.BASIC
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    button: str = ""
    logo_uri: str | None = None
    has_logo: bool = False
    is_active: bool = True
    creates_accounts: NewAccounts = NewAccounts.OFF
    offers_linking: bool = False
    trusts_email: bool = False
    asks_userinfo: bool = False
    forwards_freshness: bool = True
    domains: tuple[str, ...] = ()
    claims: Mapping[str, str] = field(default_factory=lambda: dict(USUAL_CLAIMS))
    groups_claim: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    believes: Mapping[str, tuple[Factor, ...]] = field(default_factory=dict)

    def vouches_for(self, email: str) -> bool:
        """Say whether this provider's word that somebody owns an address counts here."""
        return self.trusts_email and (not self.domains or self.is_home_of(email))

    def is_home_of(self, email: str) -> bool:
        """Say whether an address is of one of its domains."""
        return email.rpartition("@")[2].lower() in self.domains


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody of whom another provider told; the key is upstream, `iss` and `sub`, all three.

    `email` is only what it says; `email_verified` what it says of that. `told` are acr and amr, word for word; `claims`
    and `groups` are ours already, as they are mapped.
    """

    upstream_id: str
    iss: str
    sub: str
    auth_time: datetime | None = None
    email: str | None = None
    email_verified: bool = False
    label: str = ""
    told: tuple[str, ...] = ()
    claims: Mapping[str, Json] = field(default_factory=dict)
    groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return what tells this identity from all others; no part can run into the next."""
        return f"{self.upstream_id}|{len(self.iss)}|{self.iss}|{self.sub}"


@dataclass(frozen=True, slots=True)
class UpstreamIdentity:
    """An identity elsewhere that is a way into an account here; `label` is how its owner knows it."""

    id: str
    upstream_id: str
    user_id: str
    label: str
    linked_at: datetime
    last_used_at: datetime | None = None
