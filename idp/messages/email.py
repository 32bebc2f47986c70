"""Mails: each kind has its words in templates/email/words.txt, in one frame of text and one of HTML."""

from collections.abc import Mapping
from datetime import datetime

from idp.domain.message import Channel, Message
from idp.domain.secret import make_id
from idp.templating import Templates

KINDS = (
    "sign_in_code", "verify_address", "address_taken", "reset_link", "change_email", "invitation", "new_device",
    "factor_added", "factor_removed", "recovery_codes_made", "recovery_code_used", "passkey_copied",
    "attempts_blocked", "password_changed", "password_breached", "email_changed", "email_changed_here",
    "email_change_undone", "phone_changed", "recovery_started", "recovery_ready", "recovery_done",
    "deletion_scheduled", "account_secured", "refresh_token_reused",
    "sign_in_linked", "sign_in_unlinked",
    "ciba_request", "attempt_challenged", "attempt_blocked", "attempt_unusual", "admin_alert", "admin_digest",
)  # fmt: skip
#: Answers to what the person has just asked for; their time of sending says nothing.
ANSWERS = frozenset({"sign_in_code", "verify_address", "reset_link", "change_email", "invitation", "address_taken"})
_ALL: Mapping[str, None] = dict.fromkeys(("code", "link", "secure_link"))


def compose(
    templates: Templates, kind: str, *, to: str, locale: str, sent_at: datetime, brand: str, **facts: object
) -> Message:
    """Return a mail in the person's language; `code` and `link` stand on lines of their own."""
    it = {**_ALL, "sent_at": sent_at, "brand": brand, "is_answer": kind in ANSWERS, **facts}
    subject = templates.call("email/words.txt", "subject", kind, it, locale=locale)
    text = templates.render("email/message.txt", locale=locale, kind=kind, it=it)
    html = templates.render("email/message.html", locale=locale, kind=kind, it=it)
    code = facts.get("code")
    return Message(
        make_id(), Channel.MAIL, to, " ".join(subject.split()), text, html, sent_at,
        code=code if isinstance(code, str) else None,
    )  # fmt: skip
