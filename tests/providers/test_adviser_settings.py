"""Options of the adviser; none of them can keep a server from starting once it is spelt right."""

import sys
from pathlib import Path

import pytest

from idp.providers.adviser.local import LocalAdviser
from idp.providers.adviser.none import NoAdviser
from idp.settings import BadSettings, Settings, load
from idp.wiring.adviser import adviser, prices


def settings(**options: str) -> Settings:
    return load(environment={"IDP_MODE": "test", **{f"IDP_{name.upper()}": value for name, value in options.items()}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"adviser": "oracle"},
        {"openai_base_url": "ftp://models.example"},
        {"openai_base_url": "https://user@models.example/v1"},
        {"openai_model": "a model\n"},
        {"adviser_tokens_per_day": "-1"},
        {"adviser_price_in": "nan"},
        {"adviser_cost_per_day": "inf"},
    ],
)
def test_an_option_that_means_nothing_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadSettings):
        settings(**wrong)


def test_the_adviser_is_in_the_house_unless_told_otherwise() -> None:
    assert isinstance(adviser(settings()), LocalAdviser)
    assert isinstance(adviser(settings(adviser="off")), NoAdviser)


@pytest.mark.parametrize("key", [None, "", "schlüssel", "wrong"])
def test_no_key_or_a_bad_one_starts(key: str | None) -> None:
    """RK14."""
    chosen = adviser(settings(adviser="openai", **({} if key is None else {"openai_api_key": key})))

    assert chosen.is_outside
    assert chosen.model == "gpt-5.4-mini-2026-03-17"
    assert "idp.providers.adviser.openai" in sys.modules


def test_the_key_may_come_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-canary-of-the-file\n")

    read = settings(openai_api_key_file=str(tmp_path / "key"))

    assert read.openai_api_key is not None
    assert read.openai_api_key.get_secret_value() == "sk-canary-of-the-file"
    assert "sk-canary-of-the-file" not in repr(read)


def test_a_day_costs_what_the_options_say() -> None:
    chosen = prices(settings(adviser_tokens_per_day="9000", adviser_price_in="0.1", adviser_price_out="0.5"))

    assert chosen.tokens_per_day == 9000
    assert chosen.cost(1_000_000, 1_000_000) == pytest.approx(0.6)
