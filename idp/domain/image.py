"""What a picture is, by its first bytes; whatever a name or a media type says."""

MAX_LOGO = 256 * 1024
RASTER_TYPES = frozenset({"image/png", "image/jpeg", "image/webp"})


def raster_type(image: bytes) -> str | None:
    """Return the media type of a raster image, None for anything else (SVG can carry script)."""
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if image.startswith(b"RIFF") and image[8:12] == b"WEBP" else None
