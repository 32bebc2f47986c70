"""OpenID Foundation, Form Post OP: one test per module of the three plans `oidcc-formpost-…`, named after it.

The modules of Basic, Implicit and Hybrid, with every answer, errors too, in a page that posts itself.
"""

from collections.abc import AsyncIterator

import pytest

from tests.support import oidf
from tests.support import oidf_modules as modules
from tests.support.oidf import Suite
from tests.support.provider import Provider

BASIC = ["code"]
IMPLICIT = ["id_token", "id_token token"]
HYBRID = ["code id_token", "code token", "code id_token token"]
WITH_CODE = [*BASIC, *HYBRID]
WITH_ID_TOKEN = [each for each in (*IMPLICIT, *HYBRID) if "id_token" in each]
WITH_ACCESS_TOKEN = [*BASIC, "id_token token", *HYBRID]


@pytest.fixture(params=[*BASIC, *IMPLICIT, *HYBRID])
async def suite(liberal: Provider, request: pytest.FixtureRequest) -> AsyncIterator[Suite]:
    """The suite for one response type."""
    async with oidf.suite(liberal, request.param, "form_post") as suite:
        yield suite


test_oidcc_server = modules.server
test_oidcc_response_type_missing = modules.response_type_missing
test_oidcc_idtoken_signature = modules.idtoken_signature
test_oidcc_idtoken_unsigned = modules.idtoken_unsigned
test_oidcc_scope_profile = modules.scope_profile
test_oidcc_scope_email = modules.scope_email
test_oidcc_scope_address = modules.scope_address
test_oidcc_scope_phone = modules.scope_phone
test_oidcc_scope_all = modules.scope_all
test_oidcc_alternate_happy_flow = modules.alternate_happy_flow
test_oidcc_display_page = modules.display_page
test_oidcc_display_popup = modules.display_popup
test_oidcc_prompt_login = modules.prompt_login
test_oidcc_prompt_none_not_logged_in = modules.prompt_none_not_logged_in
test_oidcc_prompt_none_logged_in = modules.prompt_none_logged_in
test_oidcc_max_age_1 = modules.max_age_1
test_oidcc_max_age_10000 = modules.max_age_10000
test_oidcc_ensure_request_with_unknown_parameter_succeeds = modules.ensure_request_with_unknown_parameter_succeeds
test_oidcc_id_token_hint = modules.id_token_hint
test_oidcc_login_hint = modules.login_hint
test_oidcc_ui_locales = modules.ui_locales
test_oidcc_claims_locales = modules.claims_locales
test_oidcc_ensure_request_with_acr_values_succeeds = modules.ensure_request_with_acr_values_succeeds
test_oidcc_ensure_registered_redirect_uri = modules.ensure_registered_redirect_uri
test_oidcc_ensure_post_request_succeeds = modules.ensure_post_request_succeeds
test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported = (
    modules.request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
)
test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported = (
    modules.unsigned_request_object_supported_correctly_or_rejected_as_unsupported
)
test_oidcc_claims_essential = modules.claims_essential
test_oidcc_ensure_request_object_with_redirect_uri = modules.ensure_request_object_with_redirect_uri


@pytest.mark.parametrize("suite", WITH_ACCESS_TOKEN, indirect=True)
async def test_oidcc_userinfo_get(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.userinfo_get(suite)


@pytest.mark.parametrize("suite", WITH_ACCESS_TOKEN, indirect=True)
async def test_oidcc_userinfo_post_header(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.userinfo_post_header(suite)


@pytest.mark.parametrize("suite", WITH_ACCESS_TOKEN, indirect=True)
async def test_oidcc_userinfo_post_body(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.userinfo_post_body(suite)


@pytest.mark.parametrize("suite", WITH_CODE, indirect=True)
async def test_oidcc_codereuse(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.codereuse(suite)


@pytest.mark.parametrize("suite", WITH_CODE, indirect=True)
async def test_oidcc_codereuse_30seconds(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.codereuse_30seconds(suite)


@pytest.mark.parametrize("suite", WITH_CODE, indirect=True)
async def test_oidcc_server_client_secret_post(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.server_client_secret_post(suite)


@pytest.mark.parametrize("suite", WITH_CODE, indirect=True)
async def test_oidcc_refresh_token(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.refresh_token(suite)


@pytest.mark.parametrize("suite", WITH_CODE, indirect=True)
async def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.ensure_request_with_valid_pkce_succeeds(suite)


@pytest.mark.parametrize("suite", WITH_ID_TOKEN, indirect=True)
async def test_oidcc_ensure_request_without_nonce_fails(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.ensure_request_without_nonce_fails(suite)


@pytest.mark.parametrize("suite", ["code", "code token"], indirect=True)
async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: Suite) -> None:
    """For the response types that it is about."""
    await modules.ensure_request_without_nonce_succeeds_for_code_flow(suite)
