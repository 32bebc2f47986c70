"""WebAuthn Level 3 §5.11: other origins that may use our passkeys are told, and only if there are any."""

from pathlib import Path

from tests.support.target import target


async def test_without_further_origins_there_is_no_document(tmp_path: Path) -> None:
    async with target("sqlite", tmp_path) as provider:
        assert (await provider.http.get(f"{provider.issuer}/.well-known/webauthn")).status_code == 404


async def test_further_origins_are_listed(tmp_path: Path) -> None:
    origins = "https://shop.example,https://www.shop.example"
    async with target("sqlite", tmp_path, webauthn_origins=origins) as provider:
        answer = await provider.http.get(f"{provider.issuer}/.well-known/webauthn")

        assert answer.json() == {"origins": origins.split(",")}
        assert answer.headers["content-type"] == "application/json"
