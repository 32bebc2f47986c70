"""What operators have defined for the protocol, all of it together: looked up anew after every change anywhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from idp.domain.detail_type import DetailType
from idp.domain.exchange import AssertionIssuer, ExchangeRule
from idp.domain.resource import ResourceServer


@dataclass(frozen=True, slots=True)
class Definitions:
    """Resource servers by identifier, types of details by name, rules of exchange, and trusted issuers by name."""

    resources: Mapping[str, ResourceServer] = field(default_factory=dict)
    detail_types: Mapping[str, DetailType] = field(default_factory=dict)
    exchange_rules: Sequence[ExchangeRule] = ()
    assertion_issuers: Mapping[str, AssertionIssuer] = field(default_factory=dict)

    def owners(self, scope: str) -> frozenset[str]:
        """Return the identifiers of the resource servers that define a scope; none if it is the issuer's own."""
        return frozenset(each.identifier for each in self.resources.values() if scope in each.scope_names)

    def texts(self, identifiers: Iterable[str]) -> dict[str, str]:
        """Return what the scopes of these resource servers mean, in their operators' words."""
        found = [self.resources[each] for each in identifiers if each in self.resources]
        return {scope.name: scope.text for resource in found for scope in resource.scopes if scope.text}
