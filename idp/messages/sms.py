"""SMS: a code, what it is for, and the last line by which phones fill it in only at our own host."""

from datetime import datetime

from idp.domain.message import Channel, Message
from idp.domain.secret import make_id
from idp.templating import Templates


def code_message(
    templates: Templates, *, to: str, locale: str, code: str, sent_at: datetime, brand: str, host: str
) -> Message:
    """Return an SMS with a code."""
    it = {"code": code, "brand": brand, "host": host}
    text = templates.render("sms/code.txt", locale=locale, it=it)
    return Message(make_id(), Channel.SMS, to, None, text.strip(), None, sent_at, code=code)
