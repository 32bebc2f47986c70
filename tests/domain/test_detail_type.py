"""A line for the consent page says what it names, and whatever it does not name is told beside it."""

from idp.domain.detail_type import DetailType

PAYMENT = DetailType("t", "payment", {}, "Pay {amount.value} {amount.currency} to {to}")


def test_the_line_has_the_values_in_place() -> None:
    detail = {"type": "payment", "amount": {"value": 12.5, "currency": "EUR"}, "to": "Ada & <Co>"}
    assert PAYMENT.line(detail) == "Pay 12.5 EUR to Ada & <Co>"
    assert PAYMENT.remaining(detail) == []


def test_a_value_that_the_line_does_not_name_is_told_by_its_path() -> None:
    detail = {"type": "payment", "amount": {"value": 1, "fee": 9}, "to": "Ada", "actions": ["pay", "plan"], "x": {}}
    assert PAYMENT.line(detail) == "Pay 1  to Ada"
    assert PAYMENT.remaining(detail) == [("amount.fee", "9"), ("actions", "pay, plan"), ("x", "{}")]


def test_a_member_whose_name_looks_like_a_path_is_not_taken_for_it() -> None:
    detail = {"type": "payment", "amount.value": 1_000_000, "amount": {"value": 1, "currency": "EUR"}, "to": "A"}
    assert PAYMENT.remaining(detail) == [("amount.value", "1000000")]


def test_a_placeholder_within_a_value_stays_as_it_is() -> None:
    assert PAYMENT.line({"to": "{amount.value}", "amount": {"value": 1, "currency": "EUR"}}) == (
        "Pay 1 EUR to {amount.value}"
    )
