"""The order in which a request is looked at – RFC 6749 §4.1.2.1, RFC 9126 §2.1, RFC 9101 §6: of two faults the first.

Every pair of faults is sent: where the answer may go is settled before what the client asks for, and that before what
of it is granted. A pushed request is looked at in the same order.
"""

from itertools import combinations

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import ask
from tests.support.pushed import push
from tests.support.relying_party import RelyingParty

Fault = tuple[str, dict[str, str | None]]
#: One fault for each step, in order.
FAULTS: list[Fault] = [
    ("client", {"client_id": "nobody"}),
    ("reference", {"request_uri": "urn:ietf:params:oauth:request_uri:unknown"}),
    ("object", {"request": "x.y.z"}),
    ("redirect URI", {"redirect_uri": "https://evil.example/"}),
    ("response mode", {"response_mode": "smoke"}),
    ("response type", {"response_type": "token"}),
    ("PKCE", {"code_challenge": None}),
    ("scope", {"scope": "unknown"}),
    ("resource", {"resource": "https://unknown.example"}),
    ("details", {"authorization_details": "["}),
]
NOT_PUSHED = ("client", "reference")  # there the client proves itself, and brings no reference
Outcome = tuple[str, str | None, str | None]


async def arrive(browser: HtmlBrowser, rp: RelyingParty, **changes: str | None) -> Outcome:
    """Send a request by the browser, and return where its fault is told, and what is told."""
    page = await ask(browser, rp, **changes)
    if page.location is None:
        return f"page {page.status}", page.text("error-code"), page.text("error-description")
    told = page.answer()
    assert told.error, page.describe()
    return told.mode, told.error, told.parameters.get("error_description")


async def pushed(rp: RelyingParty, **changes: str | None) -> Outcome:
    """Push a request, and return what is told."""
    answer = await push(rp, **changes)
    return str(answer.status), answer.error, answer.body.get("error_description")


@pytest.mark.parametrize(("first", "second"), list(combinations(FAULTS, 2)), ids=lambda fault: fault[0])
async def test_of_two_faults_the_first_is_told(
    rp: RelyingParty, browser: HtmlBrowser, first: Fault, second: Fault
) -> None:
    """RFC 6749 §4.1.2.1: as if the second were not there."""
    alone, both = await arrive(browser, rp, **first[1]), await arrive(browser, rp, **second[1], **first[1])

    match first[0], second[0]:
        case "client", "reference":  # a reference is its client's own: nobody has none
            assert (both[0], both[1]) == ("page 400", "invalid_request_uri")
        case "object", "redirect URI":  # told to nobody but a registered address
            assert both == ("page 400", *alone[1:])
        case "object" | "response mode", "response type":  # told by the default mode of that type
            assert both == ("fragment", *alone[1:])
        case _:
            assert both == alone


PUSHED = [fault for fault in FAULTS if fault[0] not in NOT_PUSHED]


@pytest.mark.parametrize(("first", "second"), list(combinations(PUSHED, 2)), ids=lambda fault: fault[0])
async def test_of_two_faults_of_a_pushed_request_the_first_is_told(
    rp: RelyingParty, first: Fault, second: Fault
) -> None:
    """RFC 9126 §2.1: by the same checks."""
    alone, both = await pushed(rp, **first[1]), await pushed(rp, **second[1], **first[1])

    assert both == alone
    assert alone[0] == "400"


async def test_each_fault_alone_is_told_by_its_own_code(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §4.1.2.1, RFC 8707 §2, RFC 9396 §5, RFC 9101 §7: so the pairs above compare different things."""
    told = {name: await arrive(browser, rp, **changes) for name, changes in FAULTS}

    assert {name: outcome[:2] for name, outcome in told.items()} == {
        "client": ("page 400", "invalid_request"), "reference": ("page 400", "invalid_request_uri"),
        "object": ("query", "invalid_request_object"), "redirect URI": ("page 400", "invalid_request"),
        "response mode": ("query", "invalid_request"), "response type": ("fragment", "unsupported_response_type"),
        "PKCE": ("query", "invalid_request"), "scope": ("query", "invalid_scope"),
        "resource": ("query", "invalid_target"), "details": ("query", "invalid_authorization_details"),
    }  # fmt: skip
    assert told["client"] == told["redirect URI"]  # nobody learns which of them is unknown
    assert len({outcome[2] for outcome in told.values()}) == len(FAULTS) - 1
