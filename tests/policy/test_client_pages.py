"""What pages about clients say is what the tables say: every code has its sentence, and each check its advice."""

import pytest

from idp.domain.redirect_uri import SENTENCES as URI_SENTENCES
from idp.oauth.pipeline import CLIENT_CREDENTIALS, REDEEM_CODE, REFRESH
from idp.policy.client_advice import SENTENCES, Advice, advise
from idp.policy.client_kinds import KINDS, Kind, Why
from idp.policy.profiles import RULES
from tests.templating.examples import make_templates

TEMPLATES = make_templates()
WORDS = "parts/client_words.html"


def said(macro: str, code: str) -> str:
    return TEMPLATES.call(WORDS, macro, code, locale="en").replace("&#39;", "'").replace("&#34;", '"')


def test_a_page_says_of_a_redirect_uri_what_the_operation_says() -> None:
    assert {code: said("uri_fault", code.value) for code in URI_SENTENCES} == dict(URI_SENTENCES)


def test_a_page_advises_what_the_operation_advises() -> None:
    assert {code: said("advice", code.value) for code in SENTENCES} == dict(SENTENCES)
    assert set(SENTENCES) == set(Advice)


@pytest.mark.parametrize("macro", ["kind_name", "kind_text"])
def test_every_kind_has_its_words(macro: str) -> None:
    assert all(said(macro, kind.value) not in ("", kind.value) for kind in Kind)


def test_everything_that_is_set_is_explained_in_a_sentence() -> None:
    assert all(said("why", why.value).endswith(".") for why in Why)
    assert {why for each in KINDS.values() for why in each.why} == set(Why)


def test_defaults_are_what_their_profile_allows_and_no_less_safe() -> None:
    for each in KINDS.values():
        rules = next(rules for profile, rules in RULES.items() if profile == each.profile)
        assert rules.requires_pkce
        assert set(each.auth_methods) <= set(rules.auth_methods)
        assert each.auth_method in each.auth_methods
        assert ("code" in each.response_types) == each.has_redirects == ("authorization_code" in each.grant_types)


def test_every_check_that_can_refuse_has_advice_of_its_own() -> None:
    for check in {*REDEEM_CODE, *REFRESH, *CLIENT_CREDENTIALS} - {"check_client"}:
        assert advise("invalid_grant", check) is not Advice.OTHER, check


@pytest.mark.parametrize(
    ("reason", "refused_by", "advice"),
    [
        ("invalid_request", "check_verifier", Advice.INVALID_REQUEST),
        ("invalid_grant", "check_verifier", Advice.VERIFIER),
        ("invalid_scope", None, Advice.SCOPE),
        ("access_denied", None, Advice.PERSON_SAID_NO),
        ("invalid_request", "check_encryption", Advice.ENCRYPTION),
        ("logout_undelivered", None, Advice.LOGOUT),
        ("something_new", "a_new_check", Advice.OTHER),
        ("something_new", None, Advice.OTHER),
    ],
)
def test_the_check_says_more_than_the_error(reason: str, refused_by: str | None, advice: Advice) -> None:
    assert advise(reason, refused_by) is advice
