"""Mails, one function for each; words stand in templates/email."""

from datetime import datetime

from idp.domain.message import Channel, Message
from idp.domain.secret import make_id
from idp.templating import Templates


def refresh_token_reused(
    templates: Templates, *, to: str, locale: str, client_name: str, sent_at: datetime, brand: str, account_url: str
) -> Message:
    """Tell a person that a refresh token of one of their applications was used twice."""
    facts = {"client_name": client_name, "sent_at": sent_at, "brand": brand, "account_url": account_url}
    subject = templates.render("email/refresh_token_reused.subject.txt", locale=locale, **facts).strip()
    text = templates.render("email/refresh_token_reused.txt", locale=locale, **facts)
    html = templates.render("email/refresh_token_reused.html", locale=locale, **facts)
    return Message(make_id(), Channel.MAIL, to, subject, text, html, sent_at)
