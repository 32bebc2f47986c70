"""What operators may define for the protocol: each kind is checked when it is stored, so that use need not doubt it."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from idp.domain.client import is_safe_uri
from idp.domain.definitions import Definitions
from idp.domain.detail_type import DetailType
from idp.domain.exchange import ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, AssertionIssuer, ExchangeRule
from idp.domain.json import Json
from idp.domain.json_schema import BadSchema, check_schema
from idp.domain.permission import is_of_administration
from idp.domain.resource import ResourceServer
from idp.policy import lifetimes
from idp.policy.clients import SCOPES, is_scope
from idp.policy.profiles import ASYMMETRIC_ALGS, ID_TOKEN_ALGS

SHORTEST_LIFE = timedelta(minutes=1)
LARGEST_SCHEMA = 20_000
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:([!$&-;=?-Z_a-z~]|%[0-9A-Fa-f]{2})+")
_WORD = re.compile(r"[!-~]{1,100}")


class BadDefinition(ValueError):
    """A definition that would be unsafe or contradicts itself; `member` is what is at fault."""

    def __init__(self, member: str, message: str) -> None:
        """Keep the member beside the sentence."""
        super().__init__(message)
        self.member = member


def check_resource(resource: ResourceServer, *, issuer: str) -> None:
    """Raise BadDefinition unless this can be a resource server (RFC 8707 §2, RFC 9068 §2.1)."""
    if not _ABSOLUTE.fullmatch(resource.identifier):
        raise BadDefinition("identifier", "is an absolute URI without a fragment")
    if resource.identifier == issuer or resource.identifier.startswith(f"{issuer.rstrip('/')}/"):
        raise BadDefinition("identifier", "is this provider's own, whose tokens need no definition")
    if resource.token_alg not in ID_TOKEN_ALGS:
        raise BadDefinition("token_alg", f"is one of {', '.join(ID_TOKEN_ALGS)}")
    if not SHORTEST_LIFE <= resource.life <= lifetimes.LONGEST_ACCESS_TOKEN:
        longest = int(lifetimes.LONGEST_ACCESS_TOKEN.total_seconds())
        raise BadDefinition("life_seconds", f"is {int(SHORTEST_LIFE.total_seconds())} to {longest} seconds")
    if len(set(resource.scope_names)) != len(resource.scope_names):
        raise BadDefinition("scopes", "name a scope twice")
    _check_scopes(resource.scope_names)
    if taken := set(resource.scope_names) & set(SCOPES):
        raise BadDefinition("scopes", f"are its own: {min(taken)} belongs to this provider")


def _check_scopes(scopes: Iterable[str]) -> None:
    for scope in scopes:
        if not is_scope(scope):
            raise BadDefinition("scopes", "are words without spaces, quotes and backslashes (RFC 6749 §3.3)")
        if is_of_administration([scope]) or scope == "offline_access":
            raise BadDefinition("scopes", f"{scope} can be given by nobody but a person or an owner")


def check_detail_type(detail_type: DetailType) -> None:
    """Raise BadDefinition unless requests of this type can be checked and shown (RFC 9396 §2, §5)."""
    if not _WORD.fullmatch(detail_type.type):
        raise BadDefinition("type", "has 1 to 100 printable ASCII characters and no space")
    if len(json.dumps(detail_type.schema)) > LARGEST_SCHEMA:
        raise BadDefinition("json_schema", "is too large")
    try:
        check_schema(detail_type.schema)
    except BadSchema as error:
        raise BadDefinition("json_schema", str(error).removeprefix("schema").lstrip(". ")) from error
    if detail_type.schema["type"] != "object":
        raise BadDefinition("json_schema", "describes an object")
    if not detail_type.template.strip() or len(detail_type.template) > 500:
        raise BadDefinition("template", "has 1 to 500 characters")
    for path in detail_type.placeholders:
        if not _describes(detail_type.schema, path.split(".")):
            raise BadDefinition("template", f"names {path}, which the schema does not have")


def _describes(schema: Json, path: Sequence[str]) -> bool:
    for name in path:
        inner = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(inner, dict) or name not in inner:
            return False
        schema = inner[name]
    return True


def check_exchange_rule(rule: ExchangeRule, definitions: Definitions, *, issuer: str) -> None:
    """Raise BadDefinition unless the rule allows something, and nothing of the administration (RFC 8693 §2.1)."""
    if not rule.audiences:
        raise BadDefinition("audiences", "name at least one resource server")
    for target in rule.audiences:
        if target != issuer and target not in definitions.resources:
            raise BadDefinition("audiences", f"{target[:100]} is not a registered resource server")
    _check_scopes(rule.scopes)
    if not rule.subject_token_types or set(rule.subject_token_types) - {ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE}:
        raise BadDefinition("subject_token_types", f"are {ACCESS_TOKEN_TYPE} and {ID_TOKEN_TYPE}")
    if not (rule.may_impersonate or rule.may_act):
        raise BadDefinition("may_act", "or may_impersonate: a rule that allows neither allows nothing")


def check_assertion_issuer(trusted: AssertionIssuer, *, issuer: str) -> None:
    """Raise BadDefinition unless this issuer's assertions can be checked (RFC 7523 §3)."""
    if not _ABSOLUTE.fullmatch(trusted.issuer) or trusted.issuer == issuer:
        raise BadDefinition("issuer", "is the absolute URI of somebody else")
    if (trusted.jwks is None) == (trusted.jwks_uri is None):
        raise BadDefinition("jwks", "or jwks_uri: one of them, and not both")
    if trusted.jwks_uri is not None and not is_safe_uri(trusted.jwks_uri):
        raise BadDefinition("jwks_uri", "is an https URL")
    if not trusted.algs or set(trusted.algs) - set(ASYMMETRIC_ALGS):
        raise BadDefinition("algs", f"are of {', '.join(ASYMMETRIC_ALGS)}")
    if not trusted.clients:
        raise BadDefinition("clients", "name at least one client")
    _check_scopes(trusted.scopes)
    if not _WORD.fullmatch(trusted.subject_claim):
        raise BadDefinition("subject_claim", "is the name of a claim")
