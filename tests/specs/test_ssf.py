"""OpenID Shared Signals Framework 1.0, CAEP 1.0, RISC 1.0; RFC 8417, RFC 8935, RFC 8936."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from idp.domain.client import Client
from idp.domain.event import EventKind
from idp.oauth.extensions import ssf
from idp.storage.events import NumberedEvent
from tests.support.builders import NOW
from tests.support.signals import Listener, Signals, signals
from tests.support.webhooks import saying


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Signals]:
    async with signals(request.param, tmp_path_factory.mktemp("signals")) as made:
        yield made


@pytest.fixture
async def listener(here: Signals) -> Listener:
    here.push.received.clear()
    here.push.answers.clear()
    return await here.listener()


def only(claims: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    ((type_, members),) = claims["events"].items()
    return type_, members


async def test_the_transmitter_says_where_everything_is(here: Signals) -> None:
    """SSF §7.1."""
    answer = await here.provider.http.get(f"{here.provider.issuer}/.well-known/ssf-configuration")
    said = answer.json()

    assert said["spec_version"] == "1_0"
    assert said["issuer"] == here.provider.issuer
    assert said["delivery_methods_supported"] == ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]
    for name in ("jwks_uri", "configuration_endpoint", "status_endpoint", "add_subject_endpoint",
                 "remove_subject_endpoint", "verification_endpoint"):  # fmt: skip
        there = await here.provider.http.get(said[name])
        assert there.status_code in (200, 401, 405), name


async def test_a_stream_is_made_read_changed_replaced_and_ended(listener: Listener) -> None:
    """SSF §8.1.1."""
    made = await listener.stream(ssf.SESSION_REVOKED, "https://elsewhere.example/unknown")
    assert made["events_delivered"] == [ssf.SESSION_REVOKED]
    assert made["events_requested"] == [ssf.SESSION_REVOKED, "https://elsewhere.example/unknown"]
    assert made["delivery"]["method"] == ssf.POLL
    assert (made["iss"], made["aud"]) == (listener.provider.issuer, listener.rp.client_id)

    read = await listener.send("GET", "/ssf/streams", stream_id=made["stream_id"])
    listed = await listener.send("GET", "/ssf/streams")
    assert read.json() == made
    assert listed.json() == [made]

    given = {"stream_id": made["stream_id"], "events_requested": [ssf.ACCOUNT_PURGED], "description": "Books"}
    changed = (await listener.send("PATCH", "/ssf/streams", given)).json()
    assert (changed["events_delivered"], changed["description"]) == ([ssf.ACCOUNT_PURGED], "Books")
    replaced = (
        await listener.send("PUT", "/ssf/streams", {**changed, "events_requested": [], "description": None})
    ).json()
    assert replaced["events_delivered"] == []
    assert "description" not in replaced

    assert (await listener.send("DELETE", "/ssf/streams", stream_id=made["stream_id"])).status_code == 204
    assert (await listener.send("GET", "/ssf/streams", stream_id=made["stream_id"])).status_code == 404
    assert (await listener.send("GET", "/ssf/streams")).json() == []


async def test_a_second_stream_is_a_conflict(listener: Listener) -> None:
    """SSF §8.1.1.1."""
    await listener.stream()

    assert (await listener.send("POST", "/ssf/streams", {})).status_code == 409


@pytest.mark.parametrize(
    "given",
    [
        {"delivery": {"method": ssf.PUSH}}, {"delivery": {"method": "urn:ietf:rfc:1", "endpoint_url": "x"}},
        {"delivery": 7}, {"events_requested": "all"}, {"events_requested": [7]}, {"iss": "https://evil.example"},
        {"aud": "another"}, {"events_delivered": ["x"]}, {"description": 7}, {"description": "x" * 256},
        {"delivery": {"method": ssf.PUSH, "endpoint_url": "https://127.0.0.1/"}},
        {"delivery": {"method": ssf.PUSH, "endpoint_url": "http://siren.example/"}},
        {"delivery": {"method": ssf.PUSH, "endpoint_url": "https://s.example/", "authorization_header": "a\r\nb: c"}},
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(listener: Listener, given: dict[str, Any]) -> None:
    """SSF §8.1.1.1; case DR02 for the address to push to."""
    answer = await listener.send("POST", "/ssf/streams", given)

    assert answer.status_code == 400
    assert answer.json()["err"] == "invalid_request"
    assert (await listener.send("GET", "/ssf/streams")).json() == []


async def test_only_receivers_come_in(here: Signals, listener: Listener) -> None:
    """SSF §7.1.1; CAEP Interoperability Profile §2.7: scopes ssf.read and ssf.manage."""
    stream, person = await listener.stream(), await here.provider.person()
    reader = await here.listener(asked=ssf.READ)
    stranger = await here.listener("other.scope")
    visited = await listener.visit(person)
    visitor = Listener(here.provider, listener.rp, visited.access_token)
    nobody = Listener(here.provider, listener.rp, "nonsense")

    assert (await reader.send("GET", "/ssf/streams")).status_code == 200
    assert (await reader.send("POST", "/ssf/streams", {})).status_code == 403
    assert (await stranger.send("GET", "/ssf/streams")).status_code == 403
    for other, status in ((visitor, 401), (nobody, 401)):
        answer = await other.send("GET", "/ssf/streams")
        assert (answer.status_code, "www-authenticate" in answer.headers) == (status, True)
    other = await here.listener()
    for method, path in (("GET", "/ssf/streams"), ("GET", "/ssf/status"), ("DELETE", "/ssf/streams")):
        assert (await other.send(method, path, stream_id=stream["stream_id"])).status_code == 404
    assert (await other.send("POST", f"/ssf/poll/{stream['stream_id']}", {})).status_code == 404
    assert (await other.send("POST", "/ssf/verification", {"stream_id": stream["stream_id"]})).status_code == 404


async def test_an_account_that_is_disabled_and_enabled_is_told(here: Signals, listener: Listener) -> None:
    """RISC §2.2, §2.3; RFC 8417 §2.2; SSF §4.1.2 for `sub_id`."""
    person = await here.provider.person()
    visited = await listener.visit(person)
    stream = await listener.stream(ssf.ACCOUNT_DISABLED, ssf.ACCOUNT_ENABLED)
    owner = await here.owner()
    await here.desk.do("users.disable", owner, id=person.id)
    await here.desk.do("users.enable", owner, id=person.id)
    await here.settle()

    sets = list((await listener.poll(stream)).items())

    assert [only(claims)[0] for _jti, claims in sets] == [ssf.ACCOUNT_DISABLED, ssf.ACCOUNT_ENABLED]
    for jti, claims in sets:
        assert claims["jti"] == jti
        assert claims["sub_id"] == {"format": "iss_sub", "iss": here.provider.issuer, "sub": visited.claims["sub"]}
        assert only(claims)[1]["initiating_entity"] == "admin"
        assert isinstance(only(claims)[1]["event_timestamp"], int)


async def test_a_session_that_ends_is_told_with_the_identifier_that_the_client_knows(
    here: Signals, listener: Listener
) -> None:
    """CAEP §3.1."""
    person = await here.provider.person()
    visited = await listener.visit(person)
    stream = await listener.stream(ssf.SESSION_REVOKED)
    (session,) = (await here.desk.do("sessions.list", user_id=person.id))["items"]
    await here.desk.do("sessions.end", await here.owner(), id=session["id"])
    await here.desk.do("users.end_sessions", await here.owner(), id=person.id)
    await here.settle()

    one, everything = (await listener.poll(stream)).values()

    assert one["sub_id"]["user"]["sub"] == person.id
    assert one["sub_id"]["session"] == {"format": "opaque", "id": visited.claims["sid"]}
    assert everything["sub_id"] == {"format": "iss_sub", "iss": here.provider.issuer, "sub": person.id}


async def test_an_account_that_is_gone_is_told_and_nothing_after_it(here: Signals, listener: Listener) -> None:
    """RISC §2.4."""
    person = await here.provider.person()
    await listener.visit(person)
    stream = await listener.stream()
    await here.desk.do("users.delete", await here.owner(), id=person.id)
    await here.settle()

    sets = list((await listener.poll(stream)).values())

    assert only(sets[-1])[0] == ssf.ACCOUNT_PURGED
    assert sets[-1]["sub_id"]["sub"] == person.id
    gone = {"stream_id": stream["stream_id"], "subject": sets[-1]["sub_id"]}
    assert (await listener.send("POST", "/ssf/subjects/add", gone)).status_code == 404


async def test_nobody_is_told_of_people_they_never_met(here: Signals, listener: Listener) -> None:
    """SSF §10.2: subjects are those who signed in to the client, before or after the stream began."""
    early, late, stranger = [await here.provider.person() for _ in range(3)]
    await listener.visit(early)
    stream = await listener.stream(ssf.ACCOUNT_DISABLED)
    await listener.visit(late)
    for person in (early, late, stranger):
        await here.desk.do("users.disable", await here.owner(), id=person.id)
    await here.settle()

    told = [claims["sub_id"]["sub"] for claims in (await listener.poll(stream)).values()]

    assert told == [early.id, late.id]


async def test_a_stream_names_people_as_its_client_does(here: Signals) -> None:
    """OIDC Core §8.1: in what is told, and in whom a receiver adds and removes (SSF §8.1.3)."""
    listener, person = await here.listener(subject_type="pairwise"), await here.provider.person()
    subject = (await listener.visit(person)).claims["sub"]
    stream, owner = await listener.stream(ssf.ACCOUNT_DISABLED), await here.owner()
    named = {"stream_id": stream["stream_id"], "subject": ssf.subject(here.provider.issuer, subject)}
    ours = named | {"subject": ssf.subject(here.provider.issuer, person.id)}

    assert (await listener.send("POST", "/ssf/subjects/remove", ours)).status_code == 404
    assert (await listener.send("POST", "/ssf/subjects/remove", named)).status_code == 204
    assert (await listener.send("POST", "/ssf/subjects/add", named)).status_code == 200
    await here.desk.do("users.disable", owner, id=person.id)
    await here.settle()

    assert [each["sub_id"]["sub"] for each in (await listener.poll(stream)).values()] == [subject]


async def test_a_subject_is_removed_and_added(here: Signals, listener: Listener) -> None:
    """SSF §8.1.3."""
    person, stranger = await here.provider.person(), await here.provider.person()
    await listener.visit(person)
    stream, owner = await listener.stream(ssf.ACCOUNT_DISABLED), await here.owner()
    named = {"stream_id": stream["stream_id"], "subject": ssf.subject(here.provider.issuer, person.id)}
    unknown = named | {"subject": ssf.subject(here.provider.issuer, stranger.id)}
    nobody = named | {"subject": ssf.subject(here.provider.issuer, "nobody")}

    assert (await listener.send("POST", "/ssf/subjects/remove", named)).status_code == 204
    await here.desk.do("users.disable", owner, id=person.id)
    await here.settle()
    assert await listener.poll(stream) == {}
    assert (await listener.send("POST", "/ssf/subjects/add", named)).status_code == 200
    await here.desk.do("users.enable", owner, id=person.id)
    await here.desk.do("users.disable", owner, id=person.id)
    await here.settle()
    assert len(await listener.poll(stream)) == 1

    first, second = [await listener.send("POST", "/ssf/subjects/add", each) for each in (unknown, nobody)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.status_code == 404
    for bad in ({"format": "email", "email": person.user.email}, {"format": "iss_sub", "iss": "x", "sub": "y"}, None):
        answer = await listener.send("POST", "/ssf/subjects/add", named | {"subject": bad})
        assert answer.status_code == 400


async def test_what_is_polled_stays_until_it_is_acknowledged_and_comes_no_more_afterwards(
    here: Signals, listener: Listener
) -> None:
    """RFC 8936 §2.4."""
    person, owner = await here.provider.person(), await here.owner()
    await listener.visit(person)
    stream = await listener.stream(ssf.ACCOUNT_DISABLED, ssf.ACCOUNT_ENABLED)
    for _ in range(2):
        await here.desk.do("users.disable", owner, id=person.id)
        await here.desk.do("users.enable", owner, id=person.id)
    await here.settle()

    first = list(await listener.poll(stream, maxEvents=1))
    assert listener.seen["moreAvailable"] is True
    again = list(await listener.poll(stream, maxEvents=1))
    assert first == again
    rest = list(await listener.poll(stream, ack=first))
    assert len(rest) == 3
    assert listener.seen["moreAvailable"] is False
    refused = {rest[0]: {"err": "invalid_key", "description": "no"}}
    left = list(await listener.poll(stream, setErrs=refused, maxEvents=0))
    assert left == []
    assert list(await listener.poll(stream)) == rest[1:]
    assert list(await listener.poll(stream, ack=[*rest, "unknown"])) == []


@pytest.mark.parametrize("given", [{"maxEvents": -1}, {"maxEvents": True}, {"ack": "x"}, {"ack": [7]}, {"setErrs": 7},
                                   {"returnImmediately": "no"}, {"ack": ["x"] * 501}])  # fmt: skip
async def test_a_poll_that_cannot_be_read_is_refused(listener: Listener, given: dict[str, Any]) -> None:
    """RFC 8936 §2.2."""
    stream = await listener.stream()

    assert (await listener.send("POST", f"/ssf/poll/{stream['stream_id']}", given)).status_code == 400


async def test_one_receiver_acknowledges_nothing_of_another(here: Signals, listener: Listener) -> None:
    """RFC 8936 §4."""
    person, other = await here.provider.person(), await here.listener()
    for each in (listener, other):
        await each.visit(person)
    mine, theirs = await listener.stream(ssf.ACCOUNT_DISABLED), await other.stream(ssf.ACCOUNT_DISABLED)
    await here.desk.do("users.disable", await here.owner(), id=person.id)
    await here.settle()
    (jti,) = await other.poll(theirs)

    await listener.poll(mine, ack=[jti], setErrs={jti: {"err": "x"}})

    assert list(await other.poll(theirs)) == [jti]


async def test_tokens_are_pushed_with_the_receivers_own_credential(here: Signals, listener: Listener) -> None:
    """RFC 8935 §2.1; SSF §6.1.1."""
    person = await here.provider.person()
    await listener.visit(person)
    stream = await listener.stream(ssf.ACCOUNT_DISABLED, push=here.push, authorization_header="Bearer of-theirs")
    assert "of-theirs" not in str(stream)
    here.push.usual = saying(202)
    await here.desk.do("users.disable", await here.owner(), id=person.id)
    await here.settle()

    (came,) = here.push.received

    assert came.headers["content-type"] == "application/secevent+jwt"
    assert came.headers["accept"] == "application/json"
    assert came.headers["authorization"] == "Bearer of-theirs"
    assert only(await listener.read(came.body.decode()))[0] == ssf.ACCOUNT_DISABLED
    kept = {"stream_id": stream["stream_id"], "delivery": stream["delivery"]}
    assert (await listener.send("PATCH", "/ssf/streams", kept)).status_code == 200
    await here.desk.do("users.enable", await here.owner(), id=person.id)
    await here.desk.do("users.disable", await here.owner(), id=person.id)
    await here.settle()
    assert here.push.received[-1].headers["authorization"] == "Bearer of-theirs"


async def test_a_token_that_the_receiver_cannot_read_is_not_pushed_again_and_a_failure_is(
    here: Signals, listener: Listener
) -> None:
    """RFC 8935 §2.3, §2.4."""
    person, owner = await here.provider.person(), await here.owner()
    await listener.visit(person)
    await listener.stream(ssf.ACCOUNT_DISABLED, ssf.ACCOUNT_ENABLED, push=here.push)
    here.push.answers = [saying(400, b'{"err":"invalid_key","description":"no"}'), saying(503), saying(202)]
    await here.desk.do("users.disable", owner, id=person.id)
    await here.desk.do("users.enable", owner, id=person.id)
    await here.settle()
    await here.settle()

    told = [await listener.read(came.body.decode()) for came in here.push.received]

    assert [only(each)[0] for each in told] == [ssf.ACCOUNT_DISABLED, ssf.ACCOUNT_ENABLED, ssf.ACCOUNT_ENABLED]
    assert told[1]["jti"] == told[2]["jti"]


async def test_a_verification_event_carries_the_state_and_comes_once_a_minute(
    here: Signals, listener: Listener
) -> None:
    """SSF §8.1.4."""
    stream = await listener.stream()
    asked = {"stream_id": stream["stream_id"], "state": "VGhpcyBpcyBh"}

    assert (await listener.send("POST", "/ssf/verification", asked)).status_code == 204
    assert (await listener.send("POST", "/ssf/verification", asked)).status_code == 429
    (claims,) = (await listener.poll(stream)).values()

    assert only(claims) == (ssf.VERIFICATION, {"state": "VGhpcyBpcyBh"})
    assert claims["sub_id"] == {"format": "opaque", "id": stream["stream_id"]}


async def test_a_paused_stream_holds_and_a_disabled_one_forgets(here: Signals, listener: Listener) -> None:
    """SSF §8.1.2."""
    person, owner = await here.provider.person(), await here.owner()
    await listener.visit(person)
    stream = await listener.stream(ssf.ACCOUNT_DISABLED)
    named = {"stream_id": stream["stream_id"]}

    async def happens_while(status: str) -> int:
        answer = await listener.send("POST", "/ssf/status", named | {"status": status})
        assert answer.json()["status"] == status
        await here.desk.do("users.disable", owner, id=person.id)
        await here.desk.do("users.enable", owner, id=person.id)
        await here.settle()
        assert (await listener.send("GET", "/ssf/status", **named)).json()["status"] == status
        assert await listener.poll(stream) == {}
        await listener.send("POST", "/ssf/status", named | {"status": "enabled"})
        await here.settle()
        sets = await listener.poll(stream)
        await listener.poll(stream, ack=list(sets))
        return len(sets)

    assert await happens_while("paused") == 1
    assert await happens_while("disabled") == 0
    assert (await listener.send("POST", "/ssf/status", named | {"status": "on"})).status_code == 400


async def test_a_client_that_lost_its_scope_is_told_nothing_more(here: Signals, listener: Listener) -> None:
    """SSF §9.1."""
    person, owner = await here.provider.person(), await here.owner()
    await listener.visit(person)
    await listener.stream(ssf.ACCOUNT_DISABLED, push=here.push)
    await here.desk.do("clients.update", owner, id=listener.rp.client_id, metadata={"scope": "openid email"})
    await here.desk.do("users.disable", owner, id=person.id)
    await here.settle()

    assert here.push.received == []
    await here.provider.settle()
    assert (await listener.send("GET", "/ssf/streams")).status_code == 403


async def test_streams_are_no_webhooks(here: Signals, listener: Listener) -> None:
    """What receivers keep is not in the list of what administrators keep, nor changed there."""
    stream = await listener.stream()

    assert (await here.desk.do("webhooks.list"))["items"] == []
    assert await here.desk.refused("webhooks.delete", id=stream["stream_id"]) == "not_found"


async def test_a_new_address_is_told_by_the_old_one_to_those_only_who_know_addresses(
    here: Signals, listener: Listener
) -> None:
    """RISC §2.5."""
    person, other = await here.provider.person(), await here.listener()
    other.rp.scope = "openid"
    for each in (listener, other):
        await each.visit(person)
    mine, theirs = await listener.stream(ssf.IDENTIFIER_CHANGED), await other.stream(ssf.IDENTIFIER_CHANGED)
    new = f"new-{person.user.email}"
    await here.desk.do("users.update", await here.owner(), id=person.id, email=new)
    await here.settle()

    (claims,) = (await listener.poll(mine)).values()

    assert claims["sub_id"] == {"format": "email", "email": person.user.email}
    assert only(claims)[1]["new-value"] == new
    assert await other.poll(theirs) == {}


def happened(kind: EventKind, **members: Any) -> NumberedEvent:
    given: dict[str, Any] = {
        "seq": 1, "id": "e", "at": NOW, "kind": kind.value, "result": "done", "user_id": "ada", "client_id": None,
        "session_id": None, "request_id": None, "address": None, "actor": ("user", "ada", None), "target": None,
        "detail": {}, "before": None, "after": None,
    }  # fmt: skip
    return NumberedEvent(**(given | members))


TOLD = [
    (happened(EventKind.SIGNED_OUT, session_id="s"), ssf.SESSION_REVOKED, {}),
    (happened(EventKind.SESSIONS_ENDED), ssf.SESSION_REVOKED, {}),
    (
        happened(EventKind.PASSWORD_CHANGED),
        ssf.CREDENTIAL_CHANGE,
        {"credential_type": "password", "change_type": "update"},
    ),
    (
        happened(EventKind.PASSWORD_RESET),
        ssf.CREDENTIAL_CHANGE,
        {"credential_type": "password", "change_type": "update"},
    ),
    (
        happened(EventKind.FACTOR_ADDED, detail={"factor": "totp"}),
        ssf.CREDENTIAL_CHANGE,
        {"credential_type": "app", "change_type": "create"},
    ),
    (
        happened(EventKind.FACTOR_REMOVED, detail={"factor": "sms_otp"}),
        ssf.CREDENTIAL_CHANGE,
        {"credential_type": "phone-sms", "change_type": "revoke"},
    ),
    (
        happened(EventKind.RECOVERY_DONE),
        ssf.CREDENTIAL_CHANGE,
        {"credential_type": "all-second-factors", "change_type": "revoke"},
    ),
    (
        happened(EventKind.USER_CHANGED, detail={"change": "factors removed"}),
        ssf.CREDENTIAL_CHANGE,
        {"credential_type": "all-second-factors", "change_type": "revoke"},
    ),
    (happened(EventKind.PASSWORD_BREACHED), ssf.CREDENTIAL_COMPROMISE, {"credential_type": "password"}),
    (happened(EventKind.ACCOUNT_SECURED), ssf.CREDENTIAL_COMPROMISE, {"credential_type": "password"}),
    (happened(EventKind.ACCOUNT_DELETED), ssf.ACCOUNT_PURGED, {}),
    (happened(EventKind.USER_CHANGED, detail={"change": "deleted"}), ssf.ACCOUNT_PURGED, {}),
    (
        happened(EventKind.USER_CHANGED, before={"status": "active"}, after={"status": "disabled"}),
        ssf.ACCOUNT_DISABLED,
        {},
    ),
    (
        happened(EventKind.USER_CHANGED, before={"status": "disabled"}, after={"status": "active"}),
        ssf.ACCOUNT_ENABLED,
        {},
    ),
    (happened(EventKind.EMAIL_CHANGED), ssf.IDENTIFIER_CHANGED, {}),
]


@pytest.mark.parametrize(("event", "type_", "members"), TOLD, ids=lambda each: getattr(each, "kind", None))
def test_what_stands_in_the_trail_is_told_in_the_words_of_receivers(
    event: NumberedEvent, type_: str, members: dict[str, str]
) -> None:
    """CAEP §3, RISC §2."""
    signal = ssf.signal_of(event)

    assert signal is not None
    assert (signal.type, signal.user_id) == (type_, "ada")
    assert signal.members == members | {"event_timestamp": int(NOW.timestamp()), "initiating_entity": "user"}


UNTOLD = [
    happened(EventKind.SIGNED_IN), happened(EventKind.POLICY_CHANGED), happened(EventKind.SIGN_IN_REFUSED),
    happened(EventKind.USER_CHANGED, after={"status": "active"}), happened(EventKind.USER_CHANGED),
    happened(EventKind.PASSWORD_CHANGED, result="refused"), happened(EventKind.PASSWORD_CHANGED, user_id=None),
    happened(EventKind.USER_CHANGED, before={"role": "user"}, after={"role": "owner"}),
]  # fmt: skip


@pytest.mark.parametrize("event", UNTOLD, ids=lambda each: each.kind)
def test_everything_else_is_no_business_of_receivers(event: NumberedEvent) -> None:
    """SSF §10.2."""
    assert ssf.signal_of(event) is None


@pytest.mark.parametrize(
    ("actor", "entity"),
    [
        (("user", "ada", None), "user"), (("user", "grace", "owner"), "admin"),
        (("command line", "root", None), "admin"),
        (("system", None, None), "system"), (("client", "c", None), "system"), (("stranger", None, None), "user"),
        (None, "system"),
    ],
)  # fmt: skip
def test_it_is_told_who_began_it(actor: Any, entity: str) -> None:
    """CAEP §2."""
    signal = ssf.signal_of(happened(EventKind.PASSWORD_CHANGED, actor=actor))

    assert signal is not None
    assert signal.members["initiating_entity"] == entity


async def test_of_two_streams_made_at_once_one_is(here: Signals, listener: Listener) -> None:
    """SSF §8.1.1.1."""
    answers = await asyncio.gather(*(listener.send("POST", "/ssf/streams", {}) for _ in range(4)))

    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    "changes", [{"is_self_registered": True}, {"is_active": False}, {"scopes": ("openid", ssf.READ)}]
)
def test_nobody_receives_whom_no_operator_let(changes: dict[str, Any]) -> None:
    """SSF §9.1: what a client that registered itself asked for gives it nothing."""
    good = Client(id="books", name="Books", scopes=(ssf.MANAGE,))

    assert ssf.is_receiver(good)
    assert not ssf.is_receiver(replace(good, **changes))
    assert not ssf.is_receiver(None)
