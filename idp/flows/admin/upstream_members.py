"""How another provider is written down: its members as inputs, outputs and files have them, and what each may be.

One reading for pages, API, commands and configuration files.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from idp.domain.assurance import Factor
from idp.domain.json import JsonObject
from idp.domain.upstream import BELIEVABLE, MAPPED, USUAL_CLAIMS, NewAccounts, Upstream, UpstreamAuth
from idp.domain.user import BadIdentifier, normalise_email
from idp.flows.admin.operation import Input
from idp.flows.admin.problem import Code, Fault, Problem
from idp.flows.admin.values import Name, Text, is_plain
from idp.oauth.upstream.fault import UpstreamFault

Url = Annotated[str, Field(min_length=8, max_length=2048)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[list[Word], Field(max_length=50)]
Secret = Annotated[str, Field(min_length=1, max_length=1024)]
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3
_BELIEVED = re.compile(r"(acr|amr):.{1,120}")
Check = Callable[[str], None]


class UpstreamTold(Input):
    """Another provider as it is to be, all of it: members that are absent have their defaults."""

    name: Name
    issuer: Url
    client_id: Word
    auth_method: Word = UpstreamAuth.BASIC.value
    scopes: Words = Field(default_factory=lambda: ["openid", "profile", "email"])
    button: Text = ""
    logo_uri: Url | None = None
    active: bool = True
    create_accounts: Word = NewAccounts.OFF.value
    link_by_email: bool = False
    trust_email: bool = False
    userinfo: bool = False
    forward_freshness: bool = True
    domains: Words = Field(default_factory=list)
    claims: Annotated[dict[Word, Word], Field(max_length=50)] = Field(default_factory=lambda: dict(USUAL_CLAIMS))
    groups_claim: Annotated[str, Field(max_length=200)] = ""
    groups: Annotated[dict[Word, Name], Field(max_length=200)] = Field(default_factory=dict)
    trusted_acr: Annotated[dict[Word, Words], Field(max_length=50)] = Field(default_factory=dict)


def members_of(upstream: Upstream) -> dict[str, Any]:
    """Return a provider as it is told; its secret is not."""
    return {
        "name": upstream.name, "issuer": upstream.issuer, "client_id": upstream.client_id,
        "auth_method": upstream.auth_method.value, "scopes": list(upstream.scopes), "button": upstream.button,
        "logo_uri": upstream.logo_uri, "active": upstream.is_active,
        "create_accounts": upstream.creates_accounts.value, "link_by_email": upstream.offers_linking,
        "trust_email": upstream.trusts_email, "userinfo": upstream.asks_userinfo,
        "forward_freshness": upstream.forwards_freshness, "domains": list(upstream.domains),
        "claims": dict(upstream.claims), "groups_claim": upstream.groups_claim, "groups": dict(upstream.groups),
        "trusted_acr": {told: [factor.value for factor in factors] for told, factors in upstream.believes.items()},
    }  # fmt: skip


def facts_of(upstream: Upstream) -> JsonObject:
    """Return what a change is told by in the trail, and a version by."""
    members = members_of(upstream)
    return {**members, "label": members.pop("name"), "mapped": members.pop("claims")}


def read_upstream(told: UpstreamTold, blank: Upstream, secret: str | None, check: Check) -> Upstream:
    """Return a provider as it was told; raise Problem with every member at fault.

    `check` raises UpstreamFault for a URL that nothing is fetched from. Without `secret` that of `blank` stays.
    """
    faults = list(_faults(told, check))
    method = _choice(UpstreamAuth, told.auth_method)
    kept = secret if secret is not None else blank.client_secret
    if method is UpstreamAuth.PRIVATE_KEY_JWT:
        kept = None
    elif kept is None:
        faults.append(Fault("client_secret", "is needed for this way to prove who we are"))
    domains = [_domain(each) for each in told.domains]
    if faults or method is None:
        raise Problem(Code.INVALID, "; ".join(f"{each.member}: {each.detail}" for each in faults), faults)
    return replace(
        blank, name=told.name, issuer=told.issuer, client_id=told.client_id, auth_method=method, client_secret=kept,
        scopes=tuple(dict.fromkeys(told.scopes)), button=told.button, logo_uri=told.logo_uri, is_active=told.active,
        creates_accounts=NewAccounts(told.create_accounts), offers_linking=told.link_by_email,
        trusts_email=told.trust_email, asks_userinfo=told.userinfo, forwards_freshness=told.forward_freshness,
        domains=tuple(dict.fromkeys(each for each in domains if each is not None)), claims=dict(told.claims),
        groups_claim=told.groups_claim, groups=dict(told.groups),
        believes={value: tuple(map(Factor, dict.fromkeys(names))) for value, names in told.trusted_acr.items()},
    )  # fmt: skip


def _faults(told: UpstreamTold, check: Check) -> list[Fault]:
    found: dict[str, str | None] = {
        "issuer": _url_fault(told.issuer, check, is_issuer=True),
        "logo_uri": _url_fault(told.logo_uri, check) if told.logo_uri is not None else None,
        "client_id": None if told.client_id.isprintable() and told.client_id.isascii() else "is no client id",
        "auth_method": _choice_fault(UpstreamAuth, told.auth_method),
        "create_accounts": _choice_fault(NewAccounts, told.create_accounts),
        "scopes": _scopes_fault(told.scopes),
        "domains": "are domains, as example.org" if None in map(_domain, told.domains) else None,
        "claims": _unless(set(told.claims.values()) <= MAPPED, f"can fill in {', '.join(sorted(MAPPED))}"),
        "groups": _unless(not told.groups or bool(told.groups_claim), "need the claim that names them: groups_claim"),
        "trusted_acr": _trusted_fault(told.trusted_acr),
    }
    if told.create_accounts == NewAccounts.INVITED.value and not told.trust_email:
        found["trust_email"] = "must be on where accounts are for whoever was invited: by their address"
    texts = (*told.claims, told.groups_claim, *told.groups, *told.trusted_acr)
    if not all(is_plain(each) for each in texts):
        found["claims"] = "claims, groups and trusted values have characters that cannot be seen"
    return [Fault(member, why) for member, why in found.items() if why is not None]


def _unless(holds: bool, why: str) -> str | None:
    return None if holds else why


def _url_fault(url: str, check: Check, *, is_issuer: bool = False) -> str | None:
    parts = urlsplit(url)
    if is_issuer and (parts.query or parts.fragment or url.endswith("?")):
        return "has no query and no fragment (OIDC Discovery §3)"
    try:
        check(url)
    except UpstreamFault as fault:
        return str(fault)
    return None


def _choice(kind: type[UpstreamAuth], value: str) -> UpstreamAuth | None:
    return kind(value) if value in set(kind) else None


def _choice_fault(kind: type[UpstreamAuth] | type[NewAccounts], value: str) -> str | None:
    return _unless(value in {each.value for each in kind}, f"is one of {', '.join(each.value for each in kind)}")


def _scopes_fault(scopes: list[str]) -> str | None:
    if "openid" not in scopes:
        return "include openid (OIDC Core §3.1.2.1)"
    return _unless(all(_SCOPE.fullmatch(each) for each in scopes), "are words without spaces")


def _domain(text: str) -> str | None:
    try:
        return normalise_email(f"a@{text}").partition("@")[2]
    except BadIdentifier:
        return None


def _trusted_fault(trusted: Mapping[str, list[str]]) -> str | None:
    if not all(_BELIEVED.fullmatch(each) for each in trusted):
        return "has names like acr:VALUE or amr:VALUE"
    known = {each.value for each in BELIEVABLE}
    fits = all(names and set(names) <= known for names in trusted.values())
    return _unless(fits, f"has lists of some of {', '.join(sorted(known))}")
