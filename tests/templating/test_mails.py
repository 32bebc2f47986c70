"""What every mail keeps: a subject of one line, the same words as text and as HTML, escaping where it is HTML."""

from datetime import UTC, datetime

import pytest

from idp.domain.message import Channel, Message
from idp.messages import email
from tests.templating.examples import Document, make_templates

TEMPLATES = make_templates()
PAYLOAD = "<script>alert(1)</script> & Sons"


def reuse(locale: str, client_name: str = "Harbour Books") -> Message:
    return email.refresh_token_reused(
        TEMPLATES,
        to="ada@example.org",
        locale=locale,
        client_name=client_name,
        sent_at=datetime(2025, 3, 4, 15, 6, 7, tzinfo=UTC),
        brand="Northwind",
        account_url="https://id.example/account",
    )


@pytest.mark.parametrize("locale", TEMPLATES.locales)
def test_a_mail_says_the_same_as_text_and_as_html(locale: str) -> None:
    mail = reuse(locale)

    document = Document(mail.html or "")
    assert mail.channel is Channel.MAIL
    assert mail.subject == document.all("title")[0].text
    assert "\n" not in mail.subject
    assert document.all("html")[0].attributes == {"lang": locale}
    for paragraph in document.all("p"):
        assert paragraph.text in mail.text.replace("\n", " "), paragraph.text


def test_a_mail_speaks_the_language_of_its_reader() -> None:
    assert reuse("de").text.startswith("Guten Tag,")
    assert reuse("en").text.startswith("Hello,")


def test_a_name_is_escaped_in_html_and_only_there() -> None:
    mail = reuse("en", PAYLOAD)

    assert PAYLOAD in mail.text
    assert "<script>" not in (mail.html or "")
    assert "&lt;script&gt;" in (mail.html or "")


def test_a_link_stands_on_a_line_of_its_own() -> None:
    assert "https://id.example/account" in reuse("en").text.splitlines()
