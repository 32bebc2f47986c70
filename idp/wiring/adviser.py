"""Which adviser and which writer the options name, and what the adviser may cost."""

from idp.adviser_settings import AdviserName
from idp.providers.adviser.local import LocalAdviser
from idp.providers.adviser.none import NoAdviser
from idp.providers.adviser.port import Adviser, Writer
from idp.risk.advice import BRIEF
from idp.risk.allowance import Prices
from idp.settings import Settings


def adviser(settings: Settings) -> Adviser:
    """Return who gives a second opinion; a missing or bad key is found out when it is asked, never before."""
    match settings.adviser:
        case AdviserName.OFF:
            return NoAdviser()
        case AdviserName.LOCAL:
            return LocalAdviser()
        case AdviserName.OPENAI:
            from idp.providers.adviser.openai import OpenAiAdviser

            key = settings.openai_api_key
            return OpenAiAdviser(
                None if key is None else key.get_secret_value(),
                base_url=settings.openai_base_url,
                model=settings.openai_model,
                brief=BRIEF,
            )


def writer(settings: Settings) -> Writer | None:
    """Return who drafts texts for operators; None unless a model is chosen: plain templates answer then."""
    if settings.adviser is not AdviserName.OPENAI:
        return None
    from idp.providers.adviser.openai import OpenAiWriter

    key = settings.openai_api_key
    return OpenAiWriter(
        None if key is None else key.get_secret_value(), base_url=settings.openai_base_url, model=settings.openai_model
    )


def prices(settings: Settings) -> Prices:
    """Return what the adviser may use in a day."""
    return Prices(
        tokens_per_day=settings.adviser_tokens_per_day,
        cost_per_day=settings.adviser_cost_per_day,
        price_in=settings.adviser_price_in,
        price_out=settings.adviser_price_out,
    )
