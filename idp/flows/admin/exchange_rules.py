"""Rules of token exchange: which client may trade which tokens for which (RFC 8693)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from idp.domain.exchange import ACCESS_TOKEN_TYPE, ExchangeRule
from idp.flows.admin.definitions import Noun
from idp.flows.admin.operation import Input, Output, Work
from idp.flows.admin.problem import invalid
from idp.flows.admin.values import Id, Name, Version, version_of
from idp.policy.definitions import check_exchange_rule
from idp.storage.definitions import EXCHANGE_RULE, LONGEST_KEY, content_of

Targets = Annotated[list[Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]], Field(max_length=100)]
Scopes = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100)]
Types = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=4)]


class ExchangeRuleTold(Input):
    """A rule as it is to be: for a client, tokens for these audiences with these scopes at most."""

    name: Name
    client_id: Id
    audiences: Targets
    scopes: Scopes = Field(default_factory=list)
    subject_token_types: Types = Field(default_factory=lambda: [ACCESS_TOKEN_TYPE])
    may_impersonate: bool = False
    may_act: bool = False


class ExchangeRuleChanged(ExchangeRuleTold):
    """What is to stand in the place of a rule."""

    id: Id
    version: Version | None = None


class ExchangeRuleShown(Output):
    """A rule of token exchange."""

    id: str
    name: str
    client_id: str
    audiences: list[str]
    scopes: list[str]
    subject_token_types: list[str]
    may_impersonate: bool
    may_act: bool
    version: str


class ExchangeRules(Output):
    """All rules by their names."""

    items: list[ExchangeRuleShown]


def told_of(rule: ExchangeRule) -> ExchangeRuleTold:
    """Return a rule as an input that would make it."""
    return ExchangeRuleTold(
        name=rule.name, client_id=rule.client_id, audiences=list(rule.audiences), scopes=list(rule.scopes),
        subject_token_types=list(rule.subject_token_types), may_impersonate=rule.may_impersonate,
        may_act=rule.may_act,
    )  # fmt: skip


async def _build(work: Work, told: ExchangeRuleTold, rule_id: str) -> ExchangeRule:
    rule = ExchangeRule(
        rule_id, told.name, told.client_id, tuple(told.audiences), tuple(told.scopes),
        tuple(dict.fromkeys(told.subject_token_types)), told.may_impersonate, told.may_act,
    )  # fmt: skip
    known, _epoch = await work.stores.definitions.all()
    check_exchange_rule(rule, known, issuer=work.tools.engine.issuer)
    client = await work.stores.clients.find(told.client_id)
    if client is None or not client.is_confidential:
        raise invalid("client_id", "is no confidential client")
    return rule


async def _show(_work: Work, found: Sequence[ExchangeRule]) -> list[ExchangeRuleShown]:
    return [
        ExchangeRuleShown(id=each.id, version=version_of(content_of(each)), **told_of(each).model_dump())
        for each in found
    ]  # fmt: skip


EXCHANGE_RULES = Noun(
    EXCHANGE_RULE, "exchange_rules", "/exchange-rules", ExchangeRuleTold, ExchangeRuleChanged, ExchangeRuleShown,
    ExchangeRules, _build, _show,
)  # fmt: skip
OPERATIONS = EXCHANGE_RULES.operations
