"""What to change at a client that was refused: from what the trail says of a refusal to one sentence."""

from collections.abc import Mapping
from enum import StrEnum


class Advice(StrEnum):
    """What somebody who looks after a client should do."""

    VERIFIER = "verifier"
    REDIRECT_URI = "redirect_uri"
    CODE_UNKNOWN = "code_unknown"
    CODE_TWICE = "code_twice"
    PERSON_GONE = "person_gone"
    POLLED = "polled"
    WHOM = "whom"
    REFRESH_UNKNOWN = "refresh_unknown"
    REFRESH_TWICE = "refresh_twice"
    MOTION = "motion"
    SCOPE = "scope"
    TARGET = "target"
    DETAILS = "details"
    EXCHANGE = "exchange"
    ISSUER = "issuer"
    GRANT_TYPE = "grant_type"
    INVALID_REQUEST = "invalid_request"
    PERSON_SAID_NO = "person_said_no"
    SILENT = "silent"
    PROOF = "proof"
    KEY = "key"
    SECRET = "secret"
    ASSERTION = "assertion"
    METHOD = "method"
    UNREGISTERED = "unregistered"
    ENCRYPTION = "encryption"
    LOGOUT = "logout"
    OTHER = "other"


SENTENCES: Mapping[Advice, str] = {
    Advice.VERIFIER: "Send the code_verifier that belongs to this sign-in; keep it in the session, not in one process.",
    Advice.REDIRECT_URI: "Send the same redirect_uri to the token endpoint as to the sign-in, character for character.",
    Advice.CODE_UNKNOWN: "Redeem a code within 60 seconds, with the client that it was made for.",
    Advice.CODE_TWICE: "Redeem each code once, also when the page is reloaded or a request is repeated.",
    Advice.PERSON_GONE: "The person had signed out or was disabled meanwhile: start a new sign-in.",
    Advice.POLLED: "Poll with the device_code or auth_req_id of this client, until it is answered or over.",
    Advice.WHOM: "Name somebody who has an account here, by exactly one hint.",
    Advice.REFRESH_UNKNOWN: "Start a new sign-in when a refresh token is refused; it had expired, or was revoked.",
    Advice.REFRESH_TWICE: "Store the refresh token of each answer before using it, and refresh in one place at a time.",
    Advice.MOTION: "A refresh came from elsewhere: start a new sign-in, and look where refresh tokens are kept.",
    Advice.SCOPE: "Ask only for scopes that are registered for this client, or register the scope.",
    Advice.TARGET: "Ask for a resource that this client may have, and at the token endpoint for one that was granted.",
    Advice.DETAILS: "Send details of a type that is registered for this client, with the members of its schema.",
    Advice.EXCHANGE: "Exchange a live token within a rule that an operator wrote for this client.",
    Advice.ISSUER: "Send a short-lived assertion of a trusted issuer, once, for an account here; aud is this issuer.",
    Advice.GRANT_TYPE: "Register this grant type for the client, or use one that is registered.",
    Advice.INVALID_REQUEST: "A parameter is missing or stands there twice, or one network sent too many unknown codes.",
    Advice.PERSON_SAID_NO: "People said no, or went back: ask for less, and say why before you send them here.",
    Advice.SILENT: "prompt=none was sent while somebody had to act: start again without it.",
    Advice.PROOF: "The request demands a proof that the person lacks: ask for less, or let them set it up first.",
    Advice.KEY: "Send a new DPoP proof with each request, by the key that the sign-in began with, for this very URL.",
    Advice.SECRET: "Send the secret that was shown last; a replaced one works for one more day.",
    Advice.ASSERTION: "Sign with a registered key; aud is the issuer, exp is near, and each jti is sent once.",
    Advice.METHOD: "Prove the client by the one method that it is registered for, or register another one.",
    Advice.UNREGISTERED: "Register the redirect URI that it sends, character for character, or send a registered one.",
    Advice.ENCRYPTION: "Publish a key with use enc that fits the registered algorithm, in jwks or at the jwks_uri.",
    Advice.LOGOUT: "Answer logout tokens with 200 within five seconds, at an address that can be reached from here.",
    Advice.OTHER: "Look at the event's detail in the trail, and compare with the client's registration.",
}
_BY_CHECK: Mapping[str, Advice] = {
    "check_verifier": Advice.VERIFIER,
    "check_proof": Advice.KEY,
    "check_redirect_uri": Advice.REDIRECT_URI,
    "check_code_is_known_and_own": Advice.CODE_UNKNOWN,
    "check_code_is_unspent": Advice.CODE_TWICE,
    "spend_code": Advice.CODE_TWICE,
    "check_person_is_alive": Advice.PERSON_GONE,
    "check_request_is_known_and_own": Advice.POLLED,
    "check_request_is_alive": Advice.POLLED,
    "spend_request": Advice.POLLED,
    "check_token_is_known_and_own": Advice.REFRESH_UNKNOWN,
    "check_token_is_fresh": Advice.REFRESH_TWICE,
    "spend_token": Advice.REFRESH_TWICE,
    "check_motion": Advice.MOTION,
    "check_scope": Advice.SCOPE,
    "check_target": Advice.TARGET,
    "check_rule": Advice.EXCHANGE,
    "check_subject": Advice.EXCHANGE,
    "check_actor": Advice.EXCHANGE,
    "check_assertion": Advice.ISSUER,
    "check_person": Advice.ISSUER,
    "spend_assertion": Advice.ISSUER,
    "check_grant_type": Advice.GRANT_TYPE,
    "check_encryption": Advice.ENCRYPTION,
    "auth_method": Advice.METHOD,
    "private_key_jwt": Advice.ASSERTION,
    "client_secret_jwt": Advice.ASSERTION,
}
_BY_ERROR: Mapping[str, Advice] = {
    "invalid_scope": Advice.SCOPE,
    "invalid_target": Advice.TARGET,
    "invalid_authorization_details": Advice.DETAILS,
    "unauthorized_client": Advice.GRANT_TYPE,
    "unsupported_grant_type": Advice.GRANT_TYPE,
    "invalid_request": Advice.INVALID_REQUEST,
    "access_denied": Advice.PERSON_SAID_NO,
    "unknown_user_id": Advice.WHOM,
    "login_required": Advice.SILENT,
    "interaction_required": Advice.SILENT,
    "consent_required": Advice.SILENT,
    "account_selection_required": Advice.SILENT,
    "unmet_authentication_requirements": Advice.PROOF,
    "code_replayed": Advice.CODE_TWICE,
    "refresh_reused": Advice.REFRESH_TWICE,
    "consent_denied": Advice.PERSON_SAID_NO,
    "invalid_client": Advice.SECRET,
    "unregistered_redirect_uri": Advice.UNREGISTERED,
    "logout_undelivered": Advice.LOGOUT,
}


def advise(reason: str, refused_by: str | None) -> Advice:
    """Return what to do about a refusal: by the check that refused, else by its error."""
    by_error = _BY_ERROR.get(reason, Advice.OTHER)
    is_about_parameters = by_error is Advice.INVALID_REQUEST and refused_by != "check_encryption"
    if is_about_parameters:  # whichever check it was that missed one
        return by_error
    return _BY_CHECK.get(refused_by or "", by_error)
