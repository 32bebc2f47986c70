"""What the strength meter asks while a new password is typed; whoever submits the form is judged again.

It needs no form token, since it changes nothing and reads no cookie; but only our own pages may ask, and few at a time.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.web.csrf import Forged
from idp.web.forms import form_of, single
from idp.web.pages import locale
from idp.web.site import site_of

NO_STORE = {"cache-control": "no-store"}
LONGEST_NAME = 254


async def strength(request: Request) -> Response:
    """Say whether a password would do, how strong it is, and why in the reader's language.

    `?second-factor=1` judges it as one that never stands alone.
    """
    if not _is_from_our_page(request):
        raise Forged
    fields = single(await form_of(request))
    site = site_of(request)
    found = await site.passwords.preview(
        fields.get("new-password", ""),
        own_words=[fields.get(name, "")[:LONGEST_NAME] for name in ("email", "name")],
        beside_second_factor=request.query_params.get("second-factor") == "1",
    )
    text = site.templates.render(
        "parts/password_verdict.txt",
        locale=locale(request),
        code=found.verdict.refusal or "acceptable",
        minimum=found.minimum,
        word=found.verdict.word,
        weakness=next(iter(found.strength.weaknesses), None),
    )
    answer = {
        "acceptable": found.verdict.is_acceptable,
        "score": found.score,
        "reason": found.verdict.refusal,
        "text": text,
    }
    return JSONResponse(answer, headers=NO_STORE)


def _is_from_our_page(request: Request) -> bool:
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site == "same-origin"
    parts = urlsplit(site_of(request).settings.issuer)
    return request.headers.get("origin") == f"{parts.scheme}://{parts.netloc}"
