"""The rules that a session, an interaction, a consent and a proof know by themselves."""

import pytest

from idp.domain import assurance
from idp.domain.assurance import LOA1, Factor, Kind, Proof
from idp.domain.authorization import ClaimRequest
from idp.domain.consent import Consent
from tests.support.builders import DAY, HOUR, MINUTE, NOW, TICK, interaction, request, session

PASSWORD = Proof(Factor.PASSWORD, NOW)


@pytest.mark.parametrize(
    ("now", "alive"),
    [(NOW, True), (NOW + HOUR - TICK, True), (NOW + HOUR, False), (NOW + DAY, False)],
)
def test_a_session_dies_at_its_idle_limit(now: object, alive: bool) -> None:
    assert session("u").is_alive(now) is alive  # type: ignore[arg-type]


def test_a_session_dies_at_its_absolute_limit_even_when_in_use() -> None:
    busy = session("u", idle_expires_at=NOW + 2 * DAY)

    assert busy.is_alive(NOW + DAY - TICK)
    assert not busy.is_alive(NOW + DAY)


def test_an_interaction_is_open_until_it_expires_or_is_answered() -> None:
    waiting = interaction(expires_at=NOW + MINUTE)

    assert waiting.is_open(NOW + MINUTE - TICK)
    assert not waiting.is_open(NOW + MINUTE)
    assert not interaction(completed_at=NOW).is_open(NOW)


@pytest.mark.parametrize(
    ("scopes", "claims", "covered"),
    [
        ({"openid"}, set(), True),
        ({"openid", "email"}, {"gender"}, True),
        (set(), set(), True),
        ({"openid", "phone"}, set(), False),
        ({"openid"}, {"gender", "birthdate"}, False),
    ],
)
def test_a_consent_covers_what_was_allowed_and_no_more(scopes: set[str], claims: set[str], covered: bool) -> None:
    consent = Consent("u", "c", frozenset({"openid", "email"}), frozenset({"gender"}))

    assert consent.covers(frozenset(scopes), frozenset(claims)) is covered


def test_a_request_says_what_it_asks_for() -> None:
    plain = request(scopes=("profile",))
    rich = request(
        scopes=("openid", "offline_access"),
        userinfo_claims={"gender": ClaimRequest()},
        id_token_claims={"birthdate": ClaimRequest(essential=True)},
    )

    assert (plain.is_openid, plain.is_offline, plain.extra_claims) == (False, False, frozenset())
    assert (rich.is_openid, rich.is_offline, rich.extra_claims) == (True, True, {"gender", "birthdate"})


def test_a_password_is_one_kind_of_proof_however_often_it_is_given() -> None:
    """RFC 8176: amr names each method once."""
    assert assurance.kinds((PASSWORD, PASSWORD)) == {Kind.KNOWLEDGE}
    assert assurance.amr((PASSWORD, PASSWORD)) == ("pwd",)
    assert assurance.kinds(()) == frozenset()
    assert assurance.amr(()) == ()


@pytest.mark.parametrize(
    ("proofs", "requested", "acr"),
    [
        ((), (), None),
        ((), (LOA1,), None),
        ((PASSWORD,), (), LOA1),
        ((PASSWORD,), ("phr", LOA1), LOA1),
        ((PASSWORD,), ("phr",), LOA1),
    ],
)
def test_the_acr_says_what_was_proved_and_never_more(
    proofs: tuple[Proof, ...], requested: tuple[str, ...], acr: str | None
) -> None:
    assert assurance.acr(proofs, requested) == acr
    assert not assurance.holds("phr", proofs)
