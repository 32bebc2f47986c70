"""What can be connected, and what each kind of application is given: the table of kinds, for whoever registers one."""

from typing import Any

from idp.domain.client import AuthMethod
from idp.domain.permission import Permission as P
from idp.flows.admin.operation import Input, Operation, Output, Work
from idp.policy.client_kinds import KINDS
from idp.policy.mutual_tls import METHODS


class KindsWanted(Input):
    """Nothing: there is one table."""


class KindShown(Output):
    """A kind of application; `metadata` are the members to register, `why` codes of what explains them."""

    kind: str
    profile: str
    auth_methods: list[str]
    has_redirects: bool
    has_origins: bool
    why: list[str]
    metadata: dict[str, Any]


class KindsShown(Output):
    """All kinds, in the order in which to ask."""

    items: list[KindShown]


async def _kinds(work: Work, _wanted: KindsWanted) -> KindsShown:
    issuer = work.tools.engine.issuer
    left_out = frozenset[AuthMethod]() if work.tools.engine.offers.mutual_tls else METHODS
    return KindsShown(
        items=[
            KindShown(
                kind=kind.value, profile=str(each.profile), has_redirects=each.has_redirects,
                auth_methods=[method.value for method in each.auth_methods if method not in left_out],
                has_origins=each.has_origins, why=[why.value for why in each.why], metadata=each.members(issuer),
            )
            for kind, each in KINDS.items()
        ]
    )  # fmt: skip


LIST = Operation(
    "clients.kinds", "List kinds of applications with safe defaults", P.CLIENTS_READ, KindsWanted, KindsShown, _kinds,
    "GET", "/client-kinds",
)  # fmt: skip
OPERATIONS = (LIST,)
