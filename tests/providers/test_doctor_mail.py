"""`idp doctor` tries the mail server, and says how to mend what it finds."""

import asyncio
import json
import sys
from pathlib import Path

from tests.support.awkward import refusing_port
from tests.support.mail_server import mail_server
from tests.support.session import clean_environment

LOGIN = ("us", "hunter2")


async def doctor(folder: Path, database_url: str, **options: str) -> dict[str, dict[str, object]]:
    """Return what the doctor found, by subject."""
    given = {f"IDP_{name.upper()}": value for name, value in options.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "idp", "doctor", "--json",
        cwd=folder,
        env=clean_environment() | {"IDP_MODE": "test", "IDP_DATABASE_URL": database_url} | given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, errors = await process.communicate()
    assert b"hunter2" not in said + errors
    return {finding["subject"]: finding for finding in json.loads(said)}


async def test_a_mail_server_that_lets_us_in_is_right(tmp_path: Path, sqlite_url: str) -> None:
    async with mail_server(login=LOGIN) as server:
        url = f"smtp://us:hunter2@127.0.0.1:{server.port}"
        found = await doctor(tmp_path, sqlite_url, mail="smtp", smtp_url=url, mail_from="id@example.org")

    assert found["mail"]["saw"] == "smtp, settings complete"
    assert found["mail sender"]["ok"]
    assert found["mail server"]["ok"]
    assert server.envelopes == []


async def test_a_mail_server_that_is_away_or_shuts_us_out_is_a_fault_with_a_fix(
    tmp_path: Path, sqlite_url: str
) -> None:
    async with mail_server(login=("us", "another")) as server:
        shut, away = await asyncio.gather(
            doctor(tmp_path, sqlite_url, mail="smtp", smtp_url=f"smtp://us:hunter2@127.0.0.1:{server.port}"),
            doctor(tmp_path, sqlite_url, mail="smtp", smtp_url=f"smtp://127.0.0.1:{await refusing_port()}"),
        )

    for found in (shut, away):
        assert not found["mail server"]["ok"]
        assert "IDP_SMTP_URL" in str(found["mail server"]["fix"])
        assert "IDP_MAIL_FROM" in str(found["mail sender"]["fix"])
        assert not found["mail sender"]["ok"]


async def test_services_are_not_called_for_nothing(tmp_path: Path, sqlite_url: str) -> None:
    twilio = {"twilio_account_sid": "AC1", "twilio_auth_token": "hunter2", "twilio_from": "+4930"}
    found = await doctor(tmp_path, sqlite_url, mail="sendgrid", sendgrid_api_key="hunter2", sms="twilio", **twilio)

    assert found["mail"]["saw"] == "sendgrid, settings complete"
    assert found["sms"]["saw"] == "twilio, settings complete"
    assert "mail server" not in found
