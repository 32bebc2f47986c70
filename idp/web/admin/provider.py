"""The provider itself: its settings as this process read them, and what each role may do."""

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.flows.admin import provider
from idp.web.admin.gate import Desk, admin


async def _settings(desk: Desk) -> Response:
    found = await desk.do(provider.SETTINGS)
    return desk.page("admin/settings.html", options=found.items)


async def _roles(desk: Desk) -> Response:
    found = await desk.do(provider.ROLES)
    names = [each.value for each in Permission]
    rows = [(name, [name in role.permissions for role in found.items[1:]]) for name in names]
    return desk.page("admin/roles.html", roles=[each.role.value for each in found.items[1:]], rows=rows)


settings = admin(_settings, Permission.SETTINGS_READ, fresh=False)
roles = admin(_roles, Permission.USERS_READ, fresh=False)
