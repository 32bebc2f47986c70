"""Every place where a JWT of somebody else is read, and a good one for each: to see what it refuses."""

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import ECKey, Key

from idp.domain.exchange import JWT_BEARER
from tests.support import dpop
from tests.support.client_auth import by_assertion
from tests.support.jose import forge
from tests.support.provider import Person
from tests.support.pushed import PUSHED
from tests.support.relying_party import Answer, RelyingParty

KEY = ECKey.generate_key("P-256", {"kid": "k"})
JWK = KEY.as_dict(private=False)
Claims = dict[str, Any]


class Door(ABC):
    """A place that reads a JWT by the key KEY."""

    typ: str
    how_it_refuses: tuple[int, str]
    names_key = '"kid":"k"'
    may_omit_typ = True

    def __init__(self, rp: RelyingParty, person: Person) -> None:
        """Stand at the door as this client, about this person."""
        self.rp, self.person = rp, person

    @property
    def header(self) -> str:
        """The members of a good header."""
        return f'"alg":"ES256","typ":"{self.typ}",{self.names_key}'

    def claims(self) -> Claims:
        """Return good claims, new ones each time."""
        now = int(self.rp.now())
        usual = {"iss": self.rp.client_id, "aud": self.rp.issuer, "iat": now, "exp": now + 60}
        return {**usual, "jti": secrets.token_urlsafe(16), **self.own(now)}

    @abstractmethod
    def own(self, now: int) -> Claims:
        """Return the claims that only this door wants."""

    @abstractmethod
    async def send(self, text: str) -> Answer:
        """Present a JWT."""

    def mint(
        self, header: str | Mapping[str, Any] | None = None, key: Key | bytes | None = KEY, alg: str = "ES256"
    ) -> str:
        """Return a JWT with good claims."""
        return forge(header if header is not None else "{" + self.header + "}", self.claims(), key, alg)

    async def is_believed(self, text: str) -> bool:
        """Try a JWT; a refusal is told as this door tells it."""
        answer = await self.send(text)
        if (answer.status, answer.error) == self.how_it_refuses:
            return False
        assert answer.status in (200, 201) or answer.error in ("invalid_grant", "access_denied"), answer.text
        return True


class Assertions(Door):
    """RFC 7523 §2.2."""

    typ, how_it_refuses = "client-authentication+jwt", (401, "invalid_client")

    def own(self, now: int) -> Claims:
        """Return what this specification wants."""
        return {"sub": self.rp.client_id}

    async def send(self, text: str) -> Answer:
        """Present it where it belongs."""
        proof = by_assertion(text)
        return await self.rp.post("token_endpoint", {"grant_type": "refresh_token", "refresh_token": "x"}, auth=proof)


class Proofs(Door):
    """RFC 9449 §4."""

    typ, how_it_refuses = "dpop+jwt", (400, "invalid_dpop_proof")
    names_key = f'"jwk":{json.dumps(JWK)}'
    may_omit_typ = False

    def own(self, now: int) -> Claims:
        """Return what this specification wants."""
        return {"htm": "POST", "htu": f"{self.rp.issuer}/token"}

    async def send(self, text: str) -> Answer:
        """Present it where it belongs."""
        return await dpop.send(self.rp, "token_endpoint", text, grant_type="client_credentials")


class Objects(Door):
    """RFC 9101 §6, pushed by RFC 9126 §3."""

    typ, how_it_refuses = "oauth-authz-req+jwt", (400, "invalid_request_object")

    def own(self, now: int) -> Claims:
        """Return what this specification wants."""
        return {
            "client_id": self.rp.client_id, "response_type": "code", "redirect_uri": self.rp.redirect_uri,
            "scope": "openid", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM",
            "code_challenge_method": "S256",
        }  # fmt: skip

    async def send(self, text: str) -> Answer:
        """Present it where it belongs."""
        return await self.rp.post(PUSHED, {"client_id": self.rp.client_id, "request": text})


class Bearers(Door):
    """RFC 7523 §2.1."""

    typ, how_it_refuses = "JWT", (400, "invalid_grant")

    def own(self, now: int) -> Claims:
        """Return what this specification wants."""
        return {"iss": f"https://their.example/{self.rp.client_id}", "sub": self.person.id}

    async def send(self, text: str) -> Answer:
        """Present it where it belongs."""
        return await self.rp.token(grant_type=JWT_BEARER, assertion=text)


class Questions(Door):
    """CIBA Core §7.1.1."""

    typ, how_it_refuses = "JWT", (400, "invalid_request")

    def own(self, now: int) -> Claims:
        """Return what this specification wants."""
        return {"nbf": now, "scope": "openid", "login_hint": self.person.username}

    async def send(self, text: str) -> Answer:
        """Present it where it belongs."""
        return await self.rp.post("backchannel_authentication_endpoint", {"request": text})


DOORS: dict[str, type[Door]] = {each.__name__: each for each in (Assertions, Proofs, Objects, Bearers, Questions)}
