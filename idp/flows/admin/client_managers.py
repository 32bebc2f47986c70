"""Who looks after which client: a client manager reaches the clients that were put into their care, and no others."""

from idp.domain.event import EventKind
from idp.domain.permission import Permission as P
from idp.flows.admin.clients import ClientWanted, reach
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import missing
from idp.flows.admin.values import Id


class Manager(Input):
    """A client and a person who looks after it."""

    id: Id
    user_id: Id


class Managers(Output):
    """The people who look after a client."""

    items: list[str]


async def _managers(work: Work, wanted: ClientWanted) -> Managers:
    await reach(work, wanted.id)
    return Managers(items=list(await work.stores.clients.managers(wanted.id)))


async def _add_manager(work: Work, manager: Manager) -> Nothing:
    await reach(work, manager.id, lock=True)
    if await work.stores.users.find(manager.user_id) is None:
        raise missing("person")
    await work.stores.clients.add_manager(manager.id, manager.user_id)
    await work.record(EventKind.CLIENT_CHANGED, client_id=manager.id, user_id=manager.user_id, change="manager added")
    return Nothing()


async def _remove_manager(work: Work, manager: Manager) -> Nothing:
    await reach(work, manager.id, lock=True)
    if not await work.stores.clients.remove_manager(manager.id, manager.user_id):
        raise missing("manager of this client")
    await work.record(EventKind.CLIENT_CHANGED, client_id=manager.id, user_id=manager.user_id, change="manager removed")
    return Nothing()


MANAGERS = Operation(
    "clients.managers", "List who looks after a client", P.CLIENTS_READ, ClientWanted, Managers, _managers, "GET",
    "/clients/{id}/managers",
)  # fmt: skip
ADD_MANAGER = Operation(
    "clients.add_manager", "Let a person look after a client", P.ROLES_GRANT, Manager, Nothing, _add_manager, "PUT",
    "/clients/{id}/managers/{user_id}", status=204,
)  # fmt: skip
REMOVE_MANAGER = Operation(
    "clients.remove_manager", "Take a client out of a person's care", P.ROLES_GRANT, Manager, Nothing, _remove_manager,
    "DELETE", "/clients/{id}/managers/{user_id}", status=204,
)  # fmt: skip
OPERATIONS = (MANAGERS, ADD_MANAGER, REMOVE_MANAGER)
