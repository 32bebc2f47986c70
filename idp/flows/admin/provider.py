"""The provider itself: its settings as this process read them, and the roles that there are."""

from idp.domain.permission import Permission as P
from idp.domain.user import Role
from idp.flows.admin.operation import Input, Operation, Output, Work
from idp.policy import administration as policy


class Everything(Input):
    """All there is."""


class OptionShown(Output):
    """A setting; of a secret only whether it is set."""

    name: str
    value: str
    meaning: str
    is_default: bool
    is_secret: bool


class Options(Output):
    """All settings."""

    items: list[OptionShown]


class RoleShown(Output):
    """A role, its rank and what it allows."""

    role: Role
    rank: int
    permissions: list[str]


class Roles(Output):
    """All roles."""

    items: list[RoleShown]


async def _settings(work: Work, _wanted: Everything) -> Options:
    return Options(
        items=[
            OptionShown(
                name=each.name, value=each.value, meaning=each.meaning, is_default=each.is_default,
                is_secret=each.is_secret,
            )
            for each in work.tools.options
        ]
    )  # fmt: skip


async def _roles(_work: Work, _wanted: Everything) -> Roles:
    return Roles(
        items=[
            RoleShown(role=role, rank=policy.RANKS[role], permissions=sorted(policy.PERMISSIONS[role])) for role in Role
        ]
    )


SETTINGS = Operation(
    "settings.list", "Show the settings", P.SETTINGS_READ, Everything, Options, _settings, "GET", "/settings"
)
ROLES = Operation("roles.list", "Show what each role may do", P.USERS_READ, Everything, Roles, _roles, "GET", "/roles")
OPERATIONS = (SETTINGS, ROLES)
