"""The administrators' pages in sections; everybody is shown what they may open, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from idp.domain.permission import Permission as P

#: Each section with its pages: the path, which also names the page's words, and what it takes to open it.
SECTIONS: Sequence[tuple[str, Sequence[tuple[str, P]]]] = (
    ("overview", (("/admin", P.DASHBOARD_READ),)),
    ("people", (
        ("/admin/users", P.USERS_READ), ("/admin/groups", P.GROUPS_READ), ("/admin/sessions", P.SESSIONS_READ),
        ("/admin/consents", P.CONSENTS_READ), ("/admin/invitations", P.INVITATIONS_WRITE),
        ("/admin/roles", P.USERS_READ), ("/admin/upstreams", P.UPSTREAMS_READ),
    )),
    ("clients", (
        ("/admin/clients", P.CLIENTS_READ), ("/admin/resources", P.RESOURCES_READ),
        ("/admin/registration-tokens", P.REGISTRATION_WRITE),
    )),
    ("risk", (
        ("/admin/decisions", P.DECISIONS_READ), ("/admin/decisions/countries", P.DECISIONS_READ),
        ("/admin/policies", P.POLICIES_READ),
    )),
    ("system", (
        ("/admin/events", P.EVENTS_READ), ("/admin/messages", P.MESSAGES_READ), ("/admin/webhooks", P.WEBHOOKS_WRITE),
        ("/admin/keys", P.KEYS_READ), ("/admin/settings", P.SETTINGS_READ),
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tab:
    """A link to a page; `is_here` if that page, or one below it, is shown."""

    path: str
    name: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A link to the first page of a section, and its pages."""

    path: str
    name: str
    is_here: bool
    tabs: Sequence[Tab]


def sections(may: Callable[[P], bool], here: str) -> list[Section]:
    """Return the sections of which somebody may open a page."""
    found = []
    for name, entries in SECTIONS:
        paths = [path for path, permission in entries if may(permission)]
        shown = _shown(paths, here)
        tabs = [Tab(path, path.rpartition("/")[2], path == shown) for path in paths]
        if tabs:
            found.append(Section(paths[0], name, shown is not None, tabs))
    return found


def _shown(paths: Sequence[str], here: str) -> str | None:
    """Return the longest path at or above the page that is shown; the overview is above none."""
    fitting = [path for path in paths if here == path or (path != "/admin" and here.startswith(f"{path}/"))]
    return max(fitting, key=len, default=None)
