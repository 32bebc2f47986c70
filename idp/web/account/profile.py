"""Name, address and password."""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refused
from idp.flows.profile import CHANGE_EMAIL, OWN_CLAIMS
from idp.flows.self_service import Event, Leave, owner_of
from idp.web.account.gate import Desk, enter, own
from idp.web.forms import form_of, single
from idp.web.site import context_of, site_of, visit_of


async def _profile(desk: Desk) -> Response:
    user, refused = desk.owner.user, None
    if desk.is_post:
        refused = await site_of(desk.request).accounts.profile.change(desk.context, user, desk.fields)
        if refused is None:
            return desk.go("/account/profile?saved=1")
    told = {name: str(user.claims.get(name) or "") for name in OWN_CLAIMS} | {"username": user.username or ""}
    return desk.page(
        "account/profile.html",
        refused=refused,
        values={name: desk.fields.get(name, value)[:254] for name, value in told.items()},
        locales=site_of(desk.request).templates.locales,
        email=user.email,
        email_verified=user.email_verified,
        phone=user.claims.get("phone_number"),
        is_saved="saved" in desk.request.query_params,
    )


async def _email(desk: Desk) -> Response:
    profile, user, session = site_of(desk.request).accounts.profile, desk.owner.user, desk.owner.session
    refused: Refused | None = None
    if "otp-code" in desk.fields:
        refused = await profile.confirm_email_change(
            desk.context, user, desk.fields["otp-code"], binding=session.id, session_id=session.id
        )
        if refused is None:
            return desk.go("/account/profile?saved=1")
    elif desk.is_post:
        sent = await profile.start_email_change(desk.context, user, desk.fields.get("email", ""), binding=session.id)
        if isinstance(sent, str):
            return desk.go("/account/email?sent=1")
        refused = sent
    waiting = await desk.context.stores.one_time_codes.find(session.id, CHANGE_EMAIL, desk.context.now)
    is_sent = waiting is not None and ("sent" in desk.request.query_params or "otp-code" in desk.fields)
    return desk.page(
        "account/email.html",
        refused=refused,
        email=user.email,
        typed=desk.fields.get("email", "")[:254],
        sent_to=waiting.destination if waiting is not None and is_sent else None,
    )


async def password(request: Request) -> Response:
    """Show the form for a new password, or take it: it is judged and hashed outside of any transaction."""
    if request.method == "GET":
        return await enter(request, _password_page, fresh=True, fields={})
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        owner = await owner_of(context, visit) if visit.session else None
        may = await owner.may(context, visit, Event.CREDENTIAL_CHANGE) if owner is not None else Leave.PROVE
    if owner is None or may is not Leave.YES:
        return await enter(request, _password_page, fresh=True, fields=fields)
    new_password = site.accounts.profile.new_password
    user = owner.user
    accepted = await new_password.accept(
        fields.get("new-password", ""), email=user.email, name=user.display_name, user=user
    )

    async def store(desk: Desk) -> Response:
        if isinstance(accepted, Refused):
            return await _password_page(desk, accepted)
        await site.accounts.profile.change_password(
            desk.context, desk.owner.user, accepted, session_id=desk.owner.session.id
        )
        return desk.go("/account/security?saved=1")

    return await enter(request, store, fresh=True, fields=fields)


async def _password_page(desk: Desk, refused: Refused | None = None) -> Response:
    return desk.page(
        "account/password.html",
        refused=refused,
        scripts=("password.js",),
        minimum=8 if desk.owner.facts.second_factors else 15,
    )


profile = own(_profile)
email = own(_email, fresh=True, event=Event.EMAIL_CHANGE)
