"""What `idp dev` adds to a fresh installation: two people, the demo relying party as a client, and a welcome."""

import json
import subprocess
import sys
from dataclasses import dataclass

from idp import resources
from idp.domain.refusal import Refused
from idp.flows.new_account import NewUser
from idp.settings import Settings
from idp.wiring import Site, build

CLIENT_ID = "demo"
BASE_URL = "http://localhost:8001"
PEOPLE = (
    ("alice@example.com", "tulips in the rain", {"name": "Alice Anderson", "given_name": "Alice", "locale": "en"}),
    ("bob@example.com", "seven quiet rivers", {"name": "Bob Baker", "given_name": "Bob", "locale": "de"}),
)
# The guard is a distribution of its own; a checkout and our wheel carry it along for the demo.
_WITH_GUARD = """
import runpy, sys
sys.path.append(sys.argv.pop())
runpy.run_module("idp.demo", run_name="__main__")
"""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a newcomer needs to know."""

    client_secret: str
    cookie_secret: str
    administrator_link: str | None


async def seed(options: Settings) -> Seeded:
    """Make the demo people and client where they are missing; the client gets a new secret at each start."""
    site = await build(options)
    try:
        for email, password, claims in PEOPLE:
            if await site.users.find(email) is None:
                new = NewUser(email=email, username=None, password=password, claims=claims, email_verified=True)
                made = await site.users.create(new)
                assert not isinstance(made, Refused), made
        secret = await _client_secret(site)
        owners = [user for user in await site.users.list(limit=1000) if user.role.value == "owner"]
        link = None if owners else await site.users.administrator_link()
        return Seeded(secret, site.digester.tag("demo_cookie", CLIENT_ID), link)
    finally:
        await site.close()


async def _client_secret(site: Site) -> str:
    client = await site.clients.find(CLIENT_ID)
    if client is None:
        members = {
            "client_name": "Demo application",
            "redirect_uris": [f"{BASE_URL}/callback"],
            "post_logout_redirect_uris": [f"{BASE_URL}/signed-out"],
            "grant_types": ["authorization_code", "refresh_token"],
            "initiate_login_uri": f"{BASE_URL}/login",
            "brand_color": "#0f766e",
        }
        _client, plain = await site.clients.create(members, client_id=CLIENT_ID)
        assert plain is not None
        return plain
    return (await site.clients.rotate_secret(client))[1]


def start(options: Settings, seeded: Seeded) -> "subprocess.Popen[bytes]":
    """Start the demo relying party as a process of its own; it learns its secret over standard input."""
    guard = str(resources.folder("guard"))
    child = subprocess.Popen([sys.executable, "-c", _WITH_GUARD, guard], stdin=subprocess.PIPE)  # noqa: S603
    facts = {
        "issuer": options.issuer,
        "client_id": CLIENT_ID,
        "client_secret": seeded.client_secret,
        "bind": "127.0.0.1:8001",
        "base_url": BASE_URL,
        "cookie_secret": seeded.cookie_secret,
    }
    assert child.stdin is not None
    child.stdin.write(json.dumps(facts).encode())
    child.stdin.close()
    return child


def welcome(options: Settings, seeded: Seeded, *, with_demo: bool) -> str:
    """Return what a newcomer reads first."""
    lines = ["", f"  Identity provider   {options.issuer}"]
    if with_demo:
        lines.append(f"  Demo application    {BASE_URL}   <- start here: press 'Sign in'")
    lines.append("")
    lines += [f"  Demo user           {email}   password: {password}" for email, password, _claims in PEOPLE]
    lines += ["", f"  Mailbox             {options.issuer}/dev/mailbox"]
    if seeded.administrator_link is not None:
        lines.append(f"  First administrator {options.issuer}/admin/first/{seeded.administrator_link}")
    return "\n".join([*lines, "", "  Stop with Ctrl-C.", ""])
