"""The order of all checks at the token endpoint, one table for each grant; the last one spends what was presented.

Everything before the last line only reads. So a request that fails anywhere has changed nothing but counters,
and of two that race past all checks the store lets one through.
Not here: the order at /authorize → oauth/authorization.py.
"""

from typing import TYPE_CHECKING, TypeAlias

from authlib.oauth2 import OAuth2Error

if TYPE_CHECKING:
    from idp.oauth.extensions.jwt_bearer import JwtBearerGrant
    from idp.oauth.extensions.token_exchange import TokenExchangeGrant
    from idp.oauth.grants.authorization_code import AuthorizationCodeGrant
    from idp.oauth.grants.client_credentials import ClientCredentialsGrant
    from idp.oauth.grants.polled import PolledGrant
    from idp.oauth.grants.refresh_token import RefreshTokenGrant

    _Usual: TypeAlias = AuthorizationCodeGrant | RefreshTokenGrant | ClientCredentialsGrant | PolledGrant
    Grant: TypeAlias = _Usual | TokenExchangeGrant | JwtBearerGrant

# Each line names a method of the grant: what it refuses stands in its first sentence.
REDEEM_CODE: tuple[str, ...] = (
    "check_client",
    "check_grant_type",
    "check_encryption",
    "check_code_is_known_and_own",
    "check_redirect_uri",
    "check_verifier",
    "check_proof",
    "check_code_is_unspent",
    "check_person_is_alive",
    "check_target",
    "spend_code",
)
REFRESH: tuple[str, ...] = (
    "check_client",
    "check_grant_type",
    "check_encryption",
    "check_token_is_known_and_own",
    "check_proof",
    "check_token_is_fresh",
    "check_scope",
    "check_target",
    "check_motion",
    "spend_token",
)
POLL: tuple[str, ...] = (
    "check_client",
    "check_grant_type",
    "check_encryption",
    "check_request_is_known_and_own",
    "check_proof",
    "check_request_is_alive",
    "check_answer",
    "check_person_is_alive",
    "check_target",
    "spend_request",
)
EXCHANGE: tuple[str, ...] = (
    "check_client",
    "check_grant_type",
    "check_rule",
    "check_proof",
    "check_subject",
    "check_actor",
    "check_target",
    "check_scope",
)
ASSERT: tuple[str, ...] = (
    "check_client",
    "check_grant_type",
    "check_proof",
    "check_assertion",
    "check_person",
    "check_target",
    "spend_assertion",
)
CLIENT_CREDENTIALS: tuple[str, ...] = (
    "check_client",
    "check_grant_type",
    "check_scope",
    "check_proof",
    "check_target",
)


def run(grant: "Grant", order: tuple[str, ...]) -> None:
    """Make each check in turn; the first that refuses raises and ends the request."""
    for name in order:
        try:
            getattr(grant, name)()
        except OAuth2Error as error:
            error.refused_by = name
            raise
