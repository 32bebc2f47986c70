"""Static files and brands: named by what is in them, so browsers may keep them for ever."""

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from idp.domain.document_url import from_path_name
from idp.domain.image import raster_type
from idp.web.site import site_of
from idp.wiring import STATIC

FOREVER = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_COLOR = re.compile(r"[0-9a-f]{6}")


async def static(request: Request) -> Response:
    """Return a file of ours; ranges are not offered."""
    files: dict[str, bytes] = request.scope["app"].state.static
    name = request.path_params["name"]
    if name not in files:
        raise HTTPException(404)
    return Response(files[name], headers={"cache-control": FOREVER}, media_type=_TYPES.get(Path(name).suffix))


def read_static() -> dict[str, bytes]:
    """Read all static files into memory; they are few and small."""
    return {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}


async def brand_stylesheet(request: Request) -> Response:
    """Return the one rule that sets an accent colour; the colour is the name of the file."""
    color = request.path_params["color"]
    if not _COLOR.fullmatch(color):
        raise HTTPException(404)
    return Response(f":root{{--accent:#{color}}}", headers={"cache-control": FOREVER}, media_type=_TYPES[".css"])


async def operator_logo(request: Request) -> Response:
    """Return the operator's logo."""
    path = site_of(request).settings.brand_logo
    try:
        image = path.read_bytes() if path else b""
    except OSError as error:
        raise HTTPException(404) from error
    return _image(image, raster_type(image))


async def client_logo(request: Request) -> Response:
    """Return a client's logo."""
    async with site_of(request).transactions.open(write=False) as stores:
        found = await stores.clients.logo(from_path_name(request.path_params["client_id"][:200]))
    return _image(*(found or (b"", None)))


async def upstream_logo(request: Request) -> Response:
    """Return the logo of another provider's button."""
    async with site_of(request).transactions.open(write=False) as stores:
        found = await stores.upstreams.logo(request.path_params["upstream"][:128])
    return _image(*(found or (b"", None)))


def _image(image: bytes, media_type: str | None) -> Response:
    if media_type is None:
        raise HTTPException(404)
    return Response(image, headers={"cache-control": SHORT}, media_type=media_type)
