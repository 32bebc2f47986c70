"""The parts that look after the audit trail."""

from dataclasses import dataclass

from idp.clock import Clock
from idp.flows.audit_chain import AuditChain
from idp.flows.audit_export import AuditExport
from idp.flows.audit_restart import AuditRestart
from idp.flows.audit_retention import AuditRetention
from idp.flows.audit_signer import AuditSigner
from idp.flows.audit_verification import AuditVerification
from idp.oauth.context import Engine
from idp.settings import Settings
from idp.storage.stores import Transactions


@dataclass(frozen=True, slots=True)
class Audit:
    """What is done with the audit trail."""

    chain: AuditChain
    retention: AuditRetention
    verification: AuditVerification
    export: AuditExport
    restart: AuditRestart


def build_audit(settings: Settings, transactions: Transactions, clock: Clock, engine: Engine) -> Audit:
    """Put the parts together."""
    signer = AuditSigner(engine.keyring, engine.digester, issuer=engine.issuer)
    return Audit(
        chain=AuditChain(transactions, signer, clock),
        retention=AuditRetention(transactions, signer, clock, kept=settings.audit_kept),
        verification=AuditVerification(transactions, signer, clock),
        export=AuditExport(transactions, signer, clock),
        restart=AuditRestart(transactions, signer, clock),
    )
