"""Which acr value is good enough for which demand: an acr is a predicate over what was proved, not a number."""

#: acr → all it stands for, without prefix; `phr` says nothing about the number of factors.
IMPLIED = {
    "phrh": frozenset({"phrh", "phr", "loa:1v", "loa:1"}),
    "phr": frozenset({"phr", "loa:1v", "loa:1"}),
    "loa:2": frozenset({"loa:2", "loa:1v", "loa:1"}),
    "loa:1v": frozenset({"loa:1v", "loa:1"}),
    "loa:1": frozenset({"loa:1"}),
}


def satisfies(acr: str, demanded: str, *, prefix: str = "urn:idp:") -> bool:
    """Say whether a token with this acr is enough; values that we do not know satisfy only themselves."""
    return acr == demanded or demanded.removeprefix(prefix) in IMPLIED.get(acr.removeprefix(prefix), frozenset())
