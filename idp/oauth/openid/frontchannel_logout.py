"""Front-Channel Logout 1.0 §2, §3: addresses that a browser loads in frames when its person signs out.

Each carries our issuer and the client's name of the session, whether it registered to need them or not (§2).
Not here: on whose host such an address may be → policy/clients.py; the page with the frames → web/logout.py.
"""

from urllib.parse import urlencode

from idp.oauth.context import Context
from idp.oauth.openid.id_token import session_identifier

MOST_FRAMES = 50  # a browser that signed in to more applications tells the others by the back channel, if at all


async def frames_of(context: Context, session_id: str) -> tuple[str, ...]:
    """Return the addresses to load for the clients that signed in to a session and registered one."""
    engine, found = context.engine, []
    for client_id in await context.stores.logout_deliveries.parties(session_id):
        client = await context.client(client_id)
        if client is not None and client.frontchannel_logout_uri is not None:
            sid = session_identifier(engine.digester, session_id, client.id)
            found.append(_with(client.frontchannel_logout_uri, {"iss": engine.issuer, "sid": sid}))
    return tuple(found[:MOST_FRAMES])


def _with(uri: str, parameters: dict[str, str]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"
