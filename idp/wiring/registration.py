"""Puts together how clients register themselves."""

from collections.abc import Mapping
from pathlib import Path

from idp.client_settings import ClientRegistrationMode
from idp.clock import Clock
from idp.domain.client import BadClient
from idp.domain.json import BadJson, JsonObject, read_object
from idp.domain.secret import Digester
from idp.flows.client_id_document import ClientIdDocuments
from idp.flows.client_id_document import Rules as DocumentRules
from idp.flows.client_registration import ClientRegistration, Rules
from idp.oauth.client_keys import check_jwks
from idp.oauth.context import Engine
from idp.oauth.extensions.registration_documents import Documents
from idp.password_wiring import guarded_fetch
from idp.settings import BadSettings, Settings, Switch
from idp.storage.stores import Transactions
from idp.wiring.choices import offers


def build_clients(
    settings: Settings, transactions: Transactions, digester: Digester, clock: Clock
) -> tuple[Documents, ClientRegistration | None]:
    """Return who fetches what clients point to, and who lets clients register themselves.

    Raises BadSettings if the operator's file cannot be used.
    """
    documents = Documents(guarded_fetch(settings))
    if settings.client_registration is ClientRegistrationMode.OFF:
        return documents, None
    rules = Rules(
        issuer=settings.issuer,
        is_open=settings.client_registration is ClientRegistrationMode.OPEN,
        limits_floods=settings.rate_limits is Switch.ON,
        statement_issuers=_statement_issuers(settings.software_statement_issuers),
        offers=offers(settings),
    )
    return documents, ClientRegistration(transactions, digester, clock, documents, rules)


def build_documents(
    settings: Settings, transactions: Transactions, digester: Digester, clock: Clock, documents: Documents,
    engine: Engine,
) -> ClientIdDocuments:  # fmt: skip
    """Return who looks after clients that describe themselves by a document."""
    rules = DocumentRules(engine.document_hosts, engine.offers, engine.limits_floods)
    fetch = guarded_fetch(settings)
    return ClientIdDocuments(transactions, digester, clock, fetch, documents, engine.clients, rules)


def _statement_issuers(path: Path | None) -> Mapping[str, JsonObject]:
    if path is None:
        return {}
    try:
        return {issuer: check_jwks(jwks) for issuer, jwks in read_object(path.read_text()).items()}
    except (OSError, UnicodeDecodeError, BadJson, BadClient) as error:
        raise BadSettings([f"IDP_SOFTWARE_STATEMENT_ISSUERS: {path}: {error}"]) from error
