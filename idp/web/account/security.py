"""Everything a person proves themselves with: password, authenticators, passkeys, phone, recovery codes, browsers."""

from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from idp.domain.assurance import Factor
from idp.domain.credential import Credential
from idp.domain.refusal import Refused
from idp.factors.factor import Challenge
from idp.factors.recovery_codes import plain_code
from idp.factors.sms_otp import masked_number
from idp.factors.webauthn_ceremony import as_json
from idp.flows.devices import describe_agent
from idp.flows.enrolment import Added
from idp.web.account.gate import Desk, own
from idp.web.account.sign_ins import lines
from idp.web.site import site_of


@dataclass(frozen=True, slots=True)
class FactorLine:
    """A factor as its owner sees it."""

    id: str
    factor: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    is_synced: bool


def line(credential: Credential) -> FactorLine:
    """Return what a page may say of a credential."""
    name = credential.name
    if credential.factor is Factor.SMS_OTP:
        name = masked_number(credential.text("phone"))
    return FactorLine(
        credential.id, credential.factor.value, name, credential.created_at, credential.last_used_at,
        credential.content.get("backed_up") is True,
    )  # fmt: skip


async def _security(desk: Desk) -> Response:
    stores, user, now = desk.context.stores, desk.owner.user, desk.context.now
    password = await stores.credentials.password_of(user.id)
    browsers = await stores.remembered_browsers.of_user(user.id, now)
    return desk.page(
        "account/security.html",
        password_since=password.created_at if password is not None else None,
        factors=[line(each) for each in await stores.credentials.of_user(user.id)],
        recovery_codes=await stores.recovery_codes.count(user.id),
        browsers=[(each, describe_agent(each.device)) for each in browsers],
        sms=desk.context.engine.rules.sends_sms,
        links=await lines(stores, user.id),
        has_upstreams=bool(await stores.upstreams.active()),
        is_saved="saved" in desk.request.query_params,
    )


async def _totp(desk: Desk) -> Response:
    enrolment, user, session = site_of(desk.request).accounts.enrolment, desk.owner.user, desk.owner.session
    refused, challenge = None, None
    if desk.is_post:
        credential_id = desk.fields.get("credential", "")
        added = await enrolment.confirm(
            desk.context, user, Factor.TOTP, binding=session.id, answer=desk.fields.get("otp-code", ""),
            credential_id=credential_id, session_id=session.id,
        )  # fmt: skip
        if isinstance(added, Added):
            return await _finish(desk, added)
        refused = added
        attempt = enrolment.attempt(desk.context, user, session.id)
        challenge = await enrolment.catalog.totp.resume(attempt, credential_id)
    if challenge is None:
        begun = await enrolment.begin(desk.context, user, Factor.TOTP, binding=session.id)
        challenge, refused = (None, begun) if isinstance(begun, Refused) else (begun, refused)
    return desk.page("account/totp.html", refused=refused, challenge=challenge)


async def _passkey(desk: Desk) -> Response:
    enrolment, user, session = site_of(desk.request).accounts.enrolment, desk.owner.user, desk.owner.session
    refused = None
    if desk.is_post:
        added = await enrolment.confirm(
            desk.context, user, Factor.WEBAUTHN, binding=session.id, answer=desk.fields.get("passkey-answer", ""),
            name=desk.fields.get("name", ""), session_id=session.id,
        )  # fmt: skip
        if isinstance(added, Added):
            return await _finish(desk, added)
        refused = added
    begun = await enrolment.begin(desk.context, user, Factor.WEBAUTHN, binding=session.id)
    options = as_json(begun.options) if isinstance(begun, Challenge) and begun.options is not None else ""
    refused = begun if isinstance(begun, Refused) else refused
    return desk.page(
        "account/passkey.html", refused=refused, scripts=("webauthn.js",), passkey_options=options,
        name=desk.fields.get("name", "")[:60] or describe_agent(desk.visit.user_agent),
    )  # fmt: skip


async def _phone(desk: Desk) -> Response:
    enrolment, user, session = site_of(desk.request).accounts.enrolment, desk.owner.user, desk.owner.session
    refused: Refused | None = None
    sent_to = None
    if "otp-code" in desk.fields:
        added = await enrolment.confirm(
            desk.context, user, Factor.SMS_OTP, binding=session.id, answer=desk.fields["otp-code"],
            session_id=session.id,
        )  # fmt: skip
        if isinstance(added, Added):
            return await _finish(desk, added)
        refused, sent_to = added, desk.fields.get("phone", "")
    elif desk.is_post:
        begun = await enrolment.begin(
            desk.context, user, Factor.SMS_OTP, binding=session.id, wish=desk.fields.get("phone", "")
        )
        refused = begun if isinstance(begun, Refused) else None
        sent_to = begun.destination if isinstance(begun, Challenge) else None
    return desk.page(
        "account/phone.html", refused=refused, sent_to=(sent_to or "")[:40], phone=desk.fields.get("phone", "")[:40]
    )


async def _finish(desk: Desk, added: Added) -> Response:
    """Show the recovery codes that came with the first factor, else go back to the overview."""
    enrolment = site_of(desk.request).accounts.enrolment
    raised = await enrolment.raise_session(desk.context, desk.visit, desk.owner.user, added)
    response = (
        desk.page("account/recovery_codes.html", scripts=("print.js",), codes=raised.codes, left=len(raised.codes))
        if raised.codes
        else desk.go("/account/security?saved=1")
    )
    return desk.with_session(response, raised.opened)


async def _recovery_codes(desk: Desk) -> Response:
    codes: tuple[str, ...] = ()
    if desk.is_post:
        codes = await site_of(desk.request).accounts.enrolment.make_codes(desk.context, desk.owner.user)
    left = await desk.context.stores.recovery_codes.count(desk.owner.user.id)
    return desk.page("account/recovery_codes.html", scripts=("print.js",) if codes else (), codes=codes, left=left)


async def _download_codes(desk: Desk) -> Response:
    """Return codes that a page has just shown as a file; what is no code is left out."""
    codes = [code for code in desk.fields.get("codes", "").split() if plain_code(code) is not None]
    headers = {"content-disposition": 'attachment; filename="recovery-codes.txt"', "cache-control": "no-store"}
    return PlainTextResponse("\r\n".join(codes) + "\r\n", headers=headers)


async def _factor(desk: Desk) -> Response:
    enrolment, user = site_of(desk.request).accounts.enrolment, desk.owner.user
    credential_id = desk.request.path_params["credential"]
    credential = await desk.context.stores.credentials.find(user.id, credential_id)
    if credential is None or not credential.is_active:
        raise HTTPException(404)  # somebody else's looks like none at all (WA15)
    refused = None
    if "factor-remove" in desk.fields:
        refused = await enrolment.remove(desk.context, user, credential_id, session_id=desk.owner.session.id)
    elif desk.is_post:
        refused = await enrolment.rename(desk.context, user, credential_id, desk.fields.get("name", ""))
    if desk.is_post and refused is None:
        return desk.go("/account/security?saved=1")
    return desk.page("account/factor.html", refused=refused, factor=line(credential))


async def _browsers(desk: Desk) -> Response:
    own_data = site_of(desk.request).accounts.own_data
    await own_data.forget_browser(desk.context, desk.owner.user, desk.fields.get("browser", ""))
    return desk.go("/account/security?saved=1")


security = own(_security)
totp = own(_totp, fresh=True)
passkey = own(_passkey, fresh=True)
phone = own(_phone, fresh=True)
recovery_codes = own(_recovery_codes, fresh=True)
download_codes = own(_download_codes)
factor = own(_factor, fresh=True)
browsers = own(_browsers)
