"""The labels `mail.send` and `sms.send` of the fault hooks (docs/testing.md)."""

import asyncio
from pathlib import Path

import pytest

from idp.hooks import FileProbe, ProbedSender
from idp.providers.mail.console import MailboxSender
from idp.providers.mail.port import MessageDelayed
from tests.support.builders import message


@pytest.fixture
def sender(tmp_path: Path) -> ProbedSender:
    return ProbedSender(MailboxSender(), FileProbe(tmp_path), "mail.send")


async def test_a_call_that_is_made_to_fail_is_delayed_once(sender: ProbedSender, tmp_path: Path) -> None:
    (tmp_path / "fail").write_text("mail.send\n")

    with pytest.raises(MessageDelayed):
        await sender.send(message())
    await sender.send(message())


async def test_a_slow_call_holds_up_nobody_else(sender: ProbedSender, tmp_path: Path) -> None:
    (tmp_path / "slow").write_text("mail.send 30\n")
    (tmp_path / "trace").touch()
    sending = asyncio.create_task(sender.send(message()))
    async with asyncio.timeout(5):
        while not (tmp_path / "trace").read_text():
            await asyncio.sleep(0)

    assert not sending.done()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
