"""Every URL of the pages about clients, and its page."""

from starlette.routing import BaseRoute, Route

from idp.web.admin import clients, clients_new, clients_test

_BOTH = ["GET", "POST"]


def client_routes() -> list[BaseRoute]:
    """Return the table of routes."""
    return [
        Route("/admin/clients", clients.list_, methods=_BOTH),
        Route("/admin/clients/new", clients_new.choose, methods=_BOTH),
        Route("/admin/clients/new/{kind}", clients_new.describe, methods=_BOTH),
        Route("/admin/clients/{client}", clients.one, methods=_BOTH),
        Route("/admin/clients/{client}/managers", clients.managers, methods=["POST"]),
        Route("/admin/clients/{client}/made", clients_new.made, methods=["GET"]),
        Route("/admin/clients/{client}/rotate", clients.rotate, methods=_BOTH),
        Route("/admin/clients/{client}/delete", clients.delete, methods=_BOTH),
        Route("/admin/clients/{client}/test", clients_test.begin, methods=_BOTH),
        Route("/admin/clients/{client}/test/callback", clients_test.end, methods=["GET"]),
    ]
