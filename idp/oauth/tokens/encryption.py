"""JSON Web Encryption for clients – RFC 7516 §3.1, §5.1, with the algorithms of RFC 7518 §4.3, §4.6, §5.2, §5.3.

What was signed is encrypted afterwards, to a key that the client publishes with `use` `enc` (OIDC Core §10.2).
No RSA1_5, RSA-OAEP with SHA-1, dir, PBES2 or zip; nothing that others encrypted is ever opened here.
Not here: where the client's keys come from → oauth/remote_keys.py; which members ask for it → policy/encryption.py.
"""

from collections.abc import Mapping

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from idp.domain.client import Client
from idp.domain.json import Json, JsonObject
from idp.policy.encryption import ALGS, ENCS, fitting_jwk, wanted

_SPOKEN = [*ALGS, *ENCS]


class NoEncryptionKey(Exception):
    """The client publishes no key that fits what it registered; its keys may have changed since."""


class _Registry(jwe.JWERegistry):
    """joserfc's limits refuse honest tokens with many claims; what is encrypted here we wrote ourselves."""

    max_protected_header_length = 4096
    max_ciphertext_length = 256 * 1024


def encrypt_for(
    client_keys: JsonObject | None, alg: str, enc: str, text: str, *, cty: str | None = "JWT",
    header: Mapping[str, Json] | None = None,
) -> str:  # fmt: skip
    """Return the compact JWE of a text for whoever owns these keys; `cty` is None for what is no JWT (RFC 7519 §5.2).

    `header` adds claims that are told outside too (RFC 7519 §5.3). Raises NoEncryptionKey.
    """
    jwk = fitting_jwk(client_keys, alg)
    if jwk is None:
        raise NoEncryptionKey(alg)
    protected: dict[str, Json] = {**(header or {}), "alg": alg, "enc": enc}
    if cty is not None:
        protected["cty"] = cty
    if isinstance(kid := jwk.get("kid"), str):
        protected["kid"] = kid
    registry = _Registry(algorithms=_SPOKEN, strict_check_header=False)
    try:
        return jwe.encrypt_compact(protected, text.encode(), _imported(jwk), registry=registry)
    except (JoseError, ValueError) as error:
        raise NoEncryptionKey(alg) from error


def sealed(
    client: Client, client_keys: JsonObject | None, answer: str, text: str, *, cty: str | None = "JWT",
    header: Mapping[str, Json] | None = None,
) -> str:  # fmt: skip
    """Return a text encrypted as the client registered for this kind of answer, or as it is; raise NoEncryptionKey."""
    how = wanted(client, answer)
    return text if how is None else encrypt_for(client_keys, *how, text, cty=cty, header=header)


def _imported(jwk: Mapping[str, Json]) -> Key:
    """Read the key by what makes it one: its other members have been looked at."""
    parts = ("kty", "n", "e", "crv", "x", "y")
    return import_key({name: value for name, value in jwk.items() if name in parts and isinstance(value, str)})
