"""Parameters of OpenID Connect at the authorization endpoint – OIDC Core §3.1.2.1, §5.5.

Each check reads its parameter into the draft, or refuses it. Not here: what follows from them → policy/prompts.py.
"""

import re

from idp.domain.authorization import Prompt
from idp.oauth.draft import Draft
from idp.oauth.errors import RedirectError
from idp.oauth.keyring import JWE_DOTS
from idp.oauth.openid import id_token
from idp.oauth.openid.claims import parse_claims

MAX_NONCE = 1024
_MAX_AGE = re.compile(r"[0-9]{1,18}")
_EVER = 10**9  # seconds; no login is older
_WITH_CREATE = frozenset({Prompt.CREATE, Prompt.CONSENT})


def check_nonce(draft: Draft) -> None:
    """Refuse a nonce that we could not return as it came."""
    nonce = draft.get("nonce")
    if nonce is not None and (len(nonce.encode()) > MAX_NONCE or "\0" in nonce):
        raise RedirectError("invalid_request", "nonce is longer than 1024 bytes or contains NUL")


def check_prompt(draft: Draft) -> None:
    """Read prompt and max_age (OIDC Core §3.1.2.1)."""
    words = (draft.get("prompt") or "").split(" ") if draft.get("prompt") else []
    try:
        draft.prompts = frozenset(Prompt(word) for word in words)
    except ValueError as error:
        raise RedirectError("invalid_request", "prompt has an unknown value") from error
    if Prompt.NONE in draft.prompts and len(words) > 1:
        raise RedirectError("invalid_request", "prompt=none stands alone")
    if Prompt.CREATE in draft.prompts:
        _check_create(draft)
    max_age = draft.get("max_age")
    if max_age is not None and not _MAX_AGE.fullmatch(max_age):
        raise RedirectError("invalid_request", "max_age must be a non-negative integer")
    draft.max_age = min(int(max_age), _EVER) if max_age is not None else None


def _check_create(draft: Draft) -> None:
    """Refuse to make an account where nobody may, or for somebody who shall sign in (User Registration 1.0 §4)."""
    if not draft.context.engine.offers.sign_up:
        raise RedirectError("invalid_request", "prompt=create is not offered here")
    if not draft.prompts <= _WITH_CREATE:
        raise RedirectError("invalid_request", "prompt=create stands alone, or beside consent")


def check_claims(draft: Draft) -> None:
    """Read the claims parameter; a `sub` or essential `acr` in it constrains who signs in, and how (OIDC Core §5.5)."""
    text = draft.get("claims")
    if text is None:
        return
    draft.userinfo_claims, draft.id_token_claims = parse_claims(text)
    asked = draft.id_token_claims or {}
    for requests in (asked, draft.userinfo_claims or {}):
        subject = requests.pop("sub", None)
        if subject is not None and subject.values:
            draft.hinted_sub = str(subject.values[0])
    acr = asked.get("acr")
    if acr is not None and acr.essential and acr.values:
        draft.essential_acrs = tuple(value for value in acr.values if isinstance(value, str))


def check_id_token_hint(draft: Draft) -> None:
    """Read who the client believes is signed in; only our own ID token for this client counts (OIDC Core §3.1.2.1)."""
    hint = draft.get("id_token_hint")
    if hint is None:
        return
    engine = draft.context.engine
    claims = engine.keyring.read(hint, typ=id_token.TYP, check=lambda members: members.get("iss") == engine.issuer)
    subject = claims.get("sub") if claims else None
    if claims is None or claims.get("aud") != draft.client.id or not isinstance(subject, str):
        is_encrypted = hint.count(".") == JWE_DOTS  # only its client can open it
        why = "is encrypted: send the ID token inside" if is_encrypted else "is not an ID token of ours for this client"
        raise RedirectError("invalid_request", f"id_token_hint {why}")
    if draft.hinted_sub not in (None, subject):
        raise RedirectError("invalid_request", "id_token_hint and claims name different people")
    draft.hinted_sub = subject
