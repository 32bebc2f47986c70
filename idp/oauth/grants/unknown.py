"""A grant type that is not offered – RFC 6749 §5.2. The client is authenticated first, so strangers learn nothing."""

from typing import Never

from authlib.oauth2.rfc6749 import BaseGrant, UnsupportedGrantTypeError

from idp.oauth.grants.token_grant import TokenGrant


class UnknownGrant(TokenGrant, BaseGrant):  # type: ignore[misc]
    """Refuses."""

    def validate_token_request(self) -> Never:
        """Refuse whoever proves to be a client; the name is not repeated, it may be anything."""
        self.check_client()
        raise UnsupportedGrantTypeError("of this name")
