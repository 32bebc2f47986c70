"""What went wrong, in words a visitor understands, with the code a developer searches for."""

from dataclasses import dataclass

LONGEST_DETAIL = 300

#: code → (title, explanation). The first group is what OAuth and OpenID Connect define, the second is the demo's own.
WORDS: dict[str, tuple[str, str]] = {
    "access_denied": (
        "Sign-in was cancelled",
        "You, or the identity provider on your behalf, said no. Nothing was shared with this application.",
    ),
    "login_required": (
        "You are not signed in at the identity provider",
        "This application asked for a silent answer (prompt=none), but the provider would have had to ask you to "
        "sign in first.",
    ),
    "consent_required": (
        "Your consent is needed",
        "This application asked for a silent answer (prompt=none), but you have not yet agreed to share your data.",
    ),
    "interaction_required": (
        "The identity provider has to ask you something",
        "This application asked for a silent answer (prompt=none), and that was not possible.",
    ),
    "account_selection_required": (
        "The identity provider does not know which account you mean",
        "Several accounts are signed in there, and this application asked for a silent answer (prompt=none).",
    ),
    "unmet_authentication_requirements": (
        "The requested strength of sign-in was not reached",
        "This application asked for a kind of proof that your account cannot give.",
    ),
    "invalid_request": (
        "The identity provider did not understand the request",
        "Something in the request was missing, repeated or malformed. That is a fault of this application.",
    ),
    "invalid_scope": (
        "The identity provider refused the requested scopes",
        "This application asked for something that it is not registered for.",
    ),
    "unauthorized_client": (
        "This application may not do that",
        "Its registration at the identity provider does not allow this kind of request.",
    ),
    "invalid_client": (
        "The identity provider does not accept this application",
        "Its client id or secret is wrong, or its registration was disabled.",
    ),
    "invalid_grant": (
        "This permission has ended",
        "The code or refresh token was already used, has expired, or was revoked. Sign in once more to get a new one.",
    ),
    "invalid_token": (
        "The access token is no longer good",
        "It has expired or was revoked. Refresh it, or sign in once more.",
    ),
    "server_error": ("The identity provider has a problem", "It could not finish the request. Try again in a moment."),
    "temporarily_unavailable": ("The identity provider is busy", "Try again in a moment."),
    "provider_unreachable": (
        "The identity provider does not answer",
        "Its address did not respond. Perhaps it is still starting: wait a moment and try again.",
    ),
    "provider_answer_unusable": (
        "The identity provider gave an answer that makes no sense",
        "What came back is not what OpenID Connect describes, so this application does not trust it.",
    ),
    "mismatching_state": (
        "This answer belongs to no sign-in that was started here",
        "It was started in another tab, used already, or is too old. Starting again is harmless and usually silent.",
    ),
    "wrong_issuer": (
        "Somebody else answered",
        "The answer does not name the identity provider that this application asked (RFC 9207), so it was ignored.",
    ),
    "id_token_refused": (
        "The ID token did not pass the checks",
        "Signature, issuer, audience, times and nonce must all be right. One was not, so nobody was signed in.",
    ),
    "wrong_subject": (
        "The identity provider spoke about somebody else",
        "The subject is not the person of the ID token, so the answer was thrown away.",
    ),
    "sign_in_too_old": (
        "The sign-in is older than asked",
        "This application asked for a fresh sign-in and got an older one, so it was not accepted.",
    ),
    "nobody_signed_in": (
        "You are not signed in here",
        "Your visit has ended: the application was restarted, or you signed out in another tab.",
    ),
    "bad_transfer": (
        "That is no transfer",
        "Name somebody to send money to, and an amount between 0.01 and 10,000. Nothing was sent.",
    ),
    "bank_refused": (
        "The bank refused",
        "Its interface did not accept the access token, and a stronger sign-in would not change that.",
    ),
    "foreign_form": (
        "This form was not sent by this site",
        "The request came from another website, so nothing was done.",
    ),
    "foreign_issuer": (
        "Unknown identity provider",
        "The link names an identity provider that this application does not use (OIDC Core §4).",
    ),
    "foreign_target": (
        "Unknown destination",
        "The link wants to lead somewhere outside this application (OIDC Core §4).",
    ),
    "not_found": ("There is no such page", "The address leads nowhere on this site."),
    "method_not_allowed": ("That does not work here", "This address does not accept this kind of request."),
    "too_large": ("That was too much", "The request is larger than anything this site could need."),
    "internal_error": ("This application has a fault", "The fault was logged. The identity provider is not involved."),
}


@dataclass(slots=True, eq=False)
class Problem(Exception):
    """Something that ends this request with an explanation instead of an answer."""

    code: str
    detail: str = ""  #: what the provider said, word by word
    status: int = 400

    @property
    def title(self) -> str:
        """A headline in plain words."""
        return WORDS[self.code][0] if self.code in WORDS else "The identity provider refused"

    @property
    def explanation(self) -> str:
        """One or two sentences: what happened, and what it means."""
        return WORDS[self.code][1] if self.code in WORDS else "It gave a reason that this application does not know."

    @property
    def short_code(self) -> str:
        """The code, cut: on an error redirect anybody may have written it."""
        return self.code[:60]

    @property
    def short_detail(self) -> str:
        """The provider's words, cut for the same reason."""
        return self.detail[:LONGEST_DETAIL]
