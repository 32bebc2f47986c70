"""What every mail and SMS keeps: one line of subject, the same words as text and as HTML, escaping where it is HTML."""

from datetime import UTC, datetime
from typing import Any

import pytest
from babel.core import Locale
from jinja2 import UndefinedError

from idp.domain.message import Channel, Message
from idp.messages import email, sms
from tests.templating.examples import Document, make_templates

TEMPLATES = make_templates()
PAYLOAD = "<script>alert(1)</script> & Sons"
SENT = datetime(2025, 3, 4, 15, 6, 7, tzinfo=UTC)
CODE = "482913"
LINK = "https://id.example/id/reset/AbC-123_x?next=%2F&a=b"
SECURE = "https://id.example/id/secure/XyZ"

NOTICE: dict[str, Any] = {"secure_link": SECURE}
FACTS: dict[str, dict[str, Any]] = {
    "ciba_request": NOTICE | {"client_name": "Harbour Bank", "message": "Pay 12", "minutes": 5, "link": LINK},
    "sign_in_code": {"code": CODE, "minutes": 5},
    "verify_address": {"code": CODE, "link": LINK},
    "address_taken": {"link": LINK},
    "reset_link": {"link": LINK, "minutes": 30},
    "change_email": {"code": CODE, "minutes": 5},
    "invitation": {"link": LINK, "hours": 72},
    "new_device": NOTICE | {"device": "Firefox, Windows", "address": "192.0.2.7"},
    "factor_added": NOTICE | {"factor": "webauthn", "name": "My key"},
    "factor_removed": NOTICE | {"factor": "totp", "name": ""},
    "sign_in_linked": NOTICE | {"provider": "Works", "name": "ada"},
    "sign_in_unlinked": NOTICE | {"provider": "Works", "name": ""},
    "recovery_codes_made": NOTICE,
    "recovery_code_used": NOTICE | {"remaining": 9},
    "passkey_copied": NOTICE | {"name": "My key"},
    "attempts_blocked": NOTICE,
    "password_changed": NOTICE,
    "password_breached": NOTICE | {"link": LINK},
    "email_changed": NOTICE | {"new_email": "new@example.org", "link": LINK, "days": 7},
    "email_changed_here": NOTICE | {"new_email": "new@example.org"},
    "email_change_undone": {"link": LINK},
    "phone_changed": NOTICE,
    "recovery_started": NOTICE | {"link": LINK, "due": SENT},
    "recovery_ready": {"link": LINK, "hours": 72},
    "recovery_done": NOTICE,
    "deletion_scheduled": NOTICE | {"link": LINK, "due": SENT},
    "account_secured": {"link": LINK},
    "attempt_challenged": NOTICE | {"device": "Firefox, Windows", "place": "Bremen", "link": LINK},
    "attempt_blocked": NOTICE | {"device": "Firefox, Windows", "place": "Bremen", "link": LINK},
    "attempt_unusual": NOTICE | {"device": "Firefox, Windows", "place": "Bremen", "link": LINK},
    "admin_alert": {"alert": "high_risk", "place": "Bremen", "reference": "0d1"},
    "admin_digest": {"counts": (("high_risk", 12), ("not_me", 2)), "begin": SENT},
    "refresh_token_reused": NOTICE | {"client_name": "Harbour Books"},
}
#: Facts that somebody else may have chosen.
FOREIGN = ("device", "address", "name", "new_email", "client_name", "provider")

every_kind = pytest.mark.parametrize("kind", email.KINDS)
every_language = pytest.mark.parametrize("locale", TEMPLATES.locales)


def written(kind: str, locale: str = "en", brand: str = "Northwind", **changes: Any) -> Message:
    facts = FACTS[kind] | changes
    return email.compose(TEMPLATES, kind, to="ada@example.org", locale=locale, sent_at=SENT, brand=brand, **facts)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_every_kind_has_an_example() -> None:
    assert set(FACTS) == set(email.KINDS)


@every_language
@every_kind
def test_a_mail_says_the_same_as_text_and_as_html(kind: str, locale: str) -> None:
    mail = written(kind, locale)

    document = Document(mail.html or "")
    assert mail.channel is Channel.MAIL
    assert mail.subject
    assert "\n" not in mail.subject
    assert mail.subject == flat(document.all("title")[0].text)
    assert document.all("html")[0].attributes == {"lang": locale, "dir": Locale.parse(locale).text_direction}
    for paragraph in document.all("p"):
        if not [element for element in document.all("a") if element.text and element.text in paragraph.text]:
            assert flat(paragraph.text) in flat(mail.text), paragraph.text
    for line in filter(None, mail.text.splitlines()):
        assert flat(line) in flat(document.all("body")[0].text) or line == SECURE, line


@every_language
@every_kind
def test_codes_and_links_stand_on_lines_of_their_own(kind: str, locale: str) -> None:
    facts = FACTS[kind]
    mail = written(kind, locale)

    lines = mail.text.splitlines()
    hrefs = [link.attributes["href"] for link in Document(mail.html or "").all("a")]
    assert mail.code == facts.get("code")
    assert lines.count(CODE) == (1 if "code" in facts else 0)
    for name, address in (("link", LINK), ("secure_link", SECURE)):
        assert lines.count(address) == (1 if name in facts else 0)
        assert hrefs.count(address) == (1 if name in facts else 0)


@every_language
@every_kind
def test_each_kind_has_a_subject_and_a_lead_of_its_own(kind: str, locale: str) -> None:
    """The two ends of one change of address share their subject: each end gets one."""
    mail = written(kind, locale)
    others = [written(each, locale) for each in email.KINDS if each != kind and not each.startswith("email_changed")]

    assert mail.subject not in [other.subject for other in others]
    assert lead(mail) not in [lead(other) for other in others]
    assert not mail.subject.startswith(CODE) or "code" in FACTS[kind]


def lead(mail: Message) -> str:
    return mail.text.split("\n\n")[1]


@every_kind
def test_a_mail_is_in_the_language_of_its_reader(kind: str) -> None:
    leads = {lead(written(kind, locale)) for locale in TEMPLATES.locales}

    assert len(leads) == len(TEMPLATES.locales)


@pytest.mark.parametrize("kind", email.KINDS)
def test_what_others_chose_is_escaped_in_html_and_only_there(kind: str) -> None:
    chosen = {name: PAYLOAD for name in FOREIGN if name in FACTS[kind]}

    for locale in TEMPLATES.locales:
        mail = written(kind, locale, brand=PAYLOAD, **chosen)
        assert PAYLOAD in mail.text
        assert "&lt;" not in mail.text
        assert "<script" not in (mail.html or "")
        assert "&lt;script&gt;" in (mail.html or "")
        assert not Document(mail.html or "").all("script")


@every_kind
def test_a_subject_stays_one_line_whatever_others_chose(kind: str) -> None:
    chosen = {name: "x\r\nBcc: eve@example.org" for name in FOREIGN if name in FACTS[kind]}

    mail = written(kind, brand="x\r\nBcc: eve@example.org", **chosen)

    assert mail.subject == flat(mail.subject or "")


@every_kind
def test_a_missing_fact_is_an_error(kind: str) -> None:
    needed = [name for name in FACTS[kind] if name not in ("code", "link", "secure_link", "new_email", "name")]
    for name in needed:
        facts = {key: value for key, value in FACTS[kind].items() if key != name}
        with pytest.raises(UndefinedError):
            email.compose(TEMPLATES, kind, to="a@b.example", locale="en", sent_at=SENT, brand="N", **facts)


@every_kind
def test_when_it_happened_is_told_unless_somebody_just_asked_for_it(kind: str) -> None:
    assert ("Mar 4, 2025, 3:06:07\u202fPM (UTC)" in written(kind, due=SENT.replace(year=2026)).text) == (
        kind not in email.ANSWERS
    )


@pytest.mark.parametrize("factor", ["totp", "webauthn", "sms_otp", "email_otp", "recovery_code", "password"])
@every_language
def test_every_factor_has_a_name(factor: str, locale: str) -> None:
    named = lead(written("factor_added", locale, factor=factor, name=""))
    others = ("totp", "webauthn", "sms_otp", "email_otp", "recovery_code", "password")

    assert [lead(written("factor_added", locale, factor=each, name="")) for each in others].count(named) == 1


@every_language
def test_an_sms_has_a_code_and_the_line_by_which_phones_fill_it_in(locale: str) -> None:
    message = sms.code_message(
        TEMPLATES, to="+491511234567", locale=locale, code=CODE, sent_at=SENT, brand="Northwind", host="id.example"
    )

    lines = message.text.splitlines()
    assert message.channel is Channel.SMS
    assert message.code == CODE
    assert message.subject is None
    assert message.html is None
    assert CODE in lines[0]
    assert "Northwind" in lines[0]
    assert CODE in lines
    assert lines[-1] == f"@id.example #{CODE}"
    assert len(message.text) <= 160
