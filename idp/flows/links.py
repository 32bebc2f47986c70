"""Single-use links: what is stored of one, and the URL of a new one."""

from idp.domain.secret import Digest
from idp.oauth.context import Context


def link_digest(context: Context, secret: str) -> Digest:
    """Return what is stored of a link's secret."""
    return context.engine.digester.digest("link", secret)
