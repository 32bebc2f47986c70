"""Where somebody stands at a decision: who is there, what they proved, how strict we are; and what may come next."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idp.domain.assurance import Factor, Proof
from idp.domain.authorization import Interaction
from idp.domain.session import Session
from idp.policy.judgement import Judgement
from idp.policy.step_up import Facts, Rules


class Step(StrEnum):
    """What the person must do, or that nothing is left to do."""

    LOGIN = "login"
    SIGN_UP = "signup"
    STEP_UP = "step-up"
    ENROL = "enrol"
    NEW_PASSWORD = "new-password"
    ACCOUNTS = "accounts"
    LINK = "link"
    CONSENT = "consent"
    DONE = "done"


#: What an interaction keeps with its judgement once a new password was chosen.
NEW_PASSWORD = "new_password"
#: What shows that somebody owns an account here, and not only a link to it.
OWN_FIRST_FACTORS = frozenset({Factor.PASSWORD, Factor.WEBAUTHN})
AUTHENTICATION = frozenset({Step.LOGIN, Step.STEP_UP, Step.ENROL, Step.NEW_PASSWORD})


@dataclass(frozen=True, slots=True)
class Fail:
    """The request ends with this error at the client (OIDC Core §3.1.2.6)."""

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class Situation:
    """Who is there, what they proved, and how strict the operator is; `facts` are those of that person."""

    interaction: Interaction | None
    session: Session | None
    now: datetime
    facts: Facts | None = None
    rules: Rules = field(default_factory=Rules)
    subject: str | None = None  # what the client calls this person
    judgement: Judgement | None = None  # how unusual this is; None before somebody is known, or without a policy

    @property
    def own_proofs(self) -> tuple[Proof, ...]:
        """Return what was proved in this very interaction."""
        return self.interaction.proofs if self.interaction is not None else ()

    @property
    def has_new_password(self) -> bool:
        """Say whether the password that was typed here has been replaced since, because a policy asked for it."""
        kept = self.interaction.judgement if self.interaction is not None else None
        return kept is not None and kept.get(NEW_PASSWORD) is True

    @property
    def is_concluded(self) -> bool:
        """Say whether this session was opened or raised by this very interaction."""
        interaction, session = self.interaction, self.session
        return (
            interaction is not None
            and session is not None
            and interaction.signed_in_at is not None
            and interaction.session_id == session.id
        )

    @property
    def waits_for_link(self) -> bool:
        """Say whether an identity at another provider waits for the person who has just proved credentials of ours."""
        is_waiting = self.interaction is not None and self.interaction.linking is not None
        own = any(proof.factor in OWN_FIRST_FACTORS for proof in self.own_proofs)
        return is_waiting and own and self.is_concluded

    @property
    def user_id(self) -> str | None:
        """Return whom this is about: who proved something here, else who is signed in."""
        if self.interaction is not None and self.interaction.user_id is not None:
            return self.interaction.user_id
        return self.session.user_id if self.session else None
