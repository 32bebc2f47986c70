"""The phrases that a plain sentence about sign-ins is made of, and what each of them says in a policy."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from idp.policy.conditions import Operator
from idp.policy.countries import COUNTRIES
from idp.policy.rule_draft import Clause


class Family(StrEnum):
    """What a phrase is about; phrases of one family stand beside each other as alternatives."""

    DENY = "deny"
    NOTIFY = "notify"
    EFFECT = "effect"
    GROUPS = "groups"
    DEVICE = "device"
    PLACE = "place"
    RISK = "risk"
    EVENT = "event"
    SIGNAL = "signal"
    TIME = "time"
    HISTORY = "history"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Ways to say one thing; `clauses` are conditions, `value` is a notice or an effect."""

    family: Family
    words: tuple[str, ...]
    clauses: tuple[Clause, ...] = ()
    value: str = ""


def _when(family: Family, words: str, *clauses: Clause) -> Phrase:
    return Phrase(family, tuple(sorted(words.split("|"), key=len, reverse=True)), clauses)


def _does(family: Family, words: str, value: str = "") -> Phrase:
    return Phrase(family, tuple(sorted(words.split("|"), key=len, reverse=True)), value=value)


def _signal(words: str, *codes: str, family: Family = Family.SIGNAL) -> Phrase:
    return _when(family, words, Clause("signals", Operator.ANY, codes))


def _event(words: str, *events: str) -> Phrase:
    return _when(Family.EVENT, words, Clause("event", Operator.IN, events))


def _band(words: str, band: str, operator: Operator = Operator.GE) -> Phrase:
    return _when(Family.RISK, words, Clause("risk.band", operator, band))


def _kind(words: str, kind: str) -> Phrase:
    return _when(Family.PLACE, words, Clause("net.kind", Operator.IN, (kind,)))


_SIGN_INS: Final = ("sign-ins", "sign-in", "sign ins", "sign in", "signins", "signin", "logins", "login", "access")
#: What the rule asks for, the longest phrase first.
DEMANDS: Final = tuple(
    sorted(
        (
            (phrase, acr)
            for acr, words in {
                "phrh": "a hardware key|hardware keys|hardware security key|hardware security keys|hardware-bound key"
                "|hardware-bound passkey|hardware-bound passkeys|a hardware-bound key",
                "phr": "passkey|passkeys|a passkey|security key|security keys|a security key|webauthn|fido2|fido"
                "|phishing-resistant factor|phishing resistant factor|phishing-resistant authentication"
                "|phishing-resistant|phishing resistant",
                "loa:2": "second factor|second factors|a second factor|two factors|2 factors|two-factor|2fa|mfa"
                "|two factor authentication|two-factor authentication|multi-factor authentication|multifactor"
                "|multi factor authentication|another factor|step-up|step up",
                "loa:1v": "mailed code|a mailed code|e-mail code|email code|an e-mail code|an email code"
                "|code by mail|a code by mail|code by e-mail|a code by e-mail",
            }.items()
            for phrase in words.split("|")
        ),
        key=lambda each: -len(each[0]),
    )
)
NEGATIONS: Final = ("other than", "but not", "not from", "outside of", "outside", "except for", "except from",
                    "except", "unless", "without", "not")  # fmt: skip
PHRASES: Final = (
    _does(Family.DENY, "|".join(["deny", "denied", "denies", "block", "blocked", "refuse", "refused", "reject",
                                 "rejected", "forbid", "forbidden", "disallow", "ban", "do not allow", "don't allow",
                                 *(f"no {word}" for word in _SIGN_INS), "nobody", "no one"])),
    _does(Family.NOTIFY, "|".join(f"{verb} {who}" for verb in ("notify", "tell", "alert", "warn", "inform")
                                  for who in ("administrators", "admins", "the administrators", "the admins",
                                              "operators")), "admin"),
    _does(Family.NOTIFY, "|".join(f"{verb} {who}" for verb in ("notify", "tell", "alert", "warn", "inform")
                                  for who in ("the user", "users", "the person", "people", "them", "the owner")),
          "user"),
    _does(Family.EFFECT, "change the password|change their password|have the password changed|force a new password",
          "change_password"),
    _does(Family.EFFECT, "proof of work", "proof_of_work"),
    _does(Family.EFFECT, "no new factors|no enrolment|no enrollment", "no_enrolment"),
    _when(Family.GROUPS, "admins|administrators|admin|administrator", Clause("groups", Operator.ANY, ("admins",))),
    _when(Family.GROUPS, "privileged accounts|privileged users", Clause("user.class", Operator.IN, ("privileged",))),
    _when(Family.DEVICE, "|".join(f"{how} {what}" for how in ("new", "unknown", "unrecognised", "unrecognized",
                                  "unfamiliar", "a new", "an unknown") for what in ("devices", "device")),
          Clause("device.known", Operator.EQ, False)),
    _when(Family.DEVICE, "known devices|known device|a known device|trusted devices|a trusted device",
          Clause("device.known", Operator.EQ, True)),
    _when(Family.PLACE, "tor exits|tor exit nodes|the tor network|tor", Clause("signals", Operator.ANY, ("LIST_TOR",)),
          Clause("net.kind", Operator.IN, ("tor",))),
    _kind("vpns|vpn|a vpn|vpn networks", "vpn"),
    _kind("hosting|hosting networks|hosting providers|data centres|data centers|cloud networks|servers", "hosting"),
    _kind("mobile networks|mobile network|a mobile network", "mobile"),
    _signal("the deny list|deny list|listed addresses|denied addresses", "LIST_DENY", family=Family.PLACE),
    _signal("the watch list|watch list|watched addresses", "LIST_WATCH", family=Family.PLACE),
    _signal("new networks|a new network|unknown networks|new places", "NET_NEW", family=Family.PLACE),
    _band("critical risk|critical-risk|risk is critical", "critical"),
    _band("high risk or above|high risk|high-risk|at high risk|risk is high|very unusual", "high"),
    _band("medium risk or above|medium risk|medium-risk|elevated risk|risk is medium|risky|suspicious|unusual",
          "medium"),
    _band("low risk|low-risk", "low", Operator.EQ),
    _event("password changes|password change|credential changes|credential change|changing factors|factor changes",
           "credential_change"),
    _event("email changes|e-mail changes|email change|e-mail change|changes of the e-mail address", "email_change"),
    _event("recovery|account recovery|recoveries|password resets|password reset", "recovery"),
    _event("admin consent|admin scopes|admin scope|administrative consent", "consent_admin"),
    _event("token export|exporting tokens|token exports", "token_export"),
    _event("refresh|refreshes|token refresh|token refreshes", "refresh"),
    _event("device approval|device approvals|approving devices", "device_approval"),
    _event("sensitive actions|sensitive changes", "credential_change", "email_change", "consent_admin", "token_export",
           "recovery"),
    _signal("impossible travel|impossible journeys", "TRAVEL_IMPOSSIBLE"),
    _signal("automation|bots|scripts|automated clients|automated browsers|programs", "AUTOMATION"),
    _signal("breached passwords|breached password|leaked passwords|a leaked password|a breached password",
            "CRED_BREACHED"),
    _signal("password spraying|spraying|a spray|sprays", "SPRAY_ACTIVE"),
    _signal("dormant accounts|dormant account|sleeping accounts", "ACCOUNT_DORMANT"),
    _signal("copied device cookies|replayed device cookies", "DEV_COOKIE_REPLAY"),
    _when(Family.TIME, "at night|by night|nights", Clause("time.local", Operator.WITHIN, ("22:00", "06:00"))),
    _when(Family.TIME, "working hours|business hours|office hours",
          Clause("time.local", Operator.WITHIN, ("08:00", "18:00"))),
    _when(Family.HISTORY, "first logins|first login|first sign-ins|first sign-in|first sign-in ever",
          Clause("history.logins", Operator.LE, 0)),
    _when(Family.CLIENT, "third-party apps|third-party clients|third party apps|third party clients",
          Clause("client.trust", Operator.IN, ("third_party",))),
)  # fmt: skip
UNITS: Final = {
    **dict.fromkeys(("s", "second", "seconds"), (1, "s")),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), (1, "m")),
    **dict.fromkeys(("h", "hour", "hours"), (1, "h")),
    **dict.fromkeys(("d", "day", "days"), (1, "d")),
    **dict.fromkeys(("week", "weeks"), (7, "d")),
}
COUNTRIES_BY_LENGTH: Final = tuple(sorted(COUNTRIES.items(), key=lambda each: -len(each[0])))
_SAYS_NOTHING: Final = """
a an the and for from to of on in at by with when if who whoever that which is are be was it its they them their
there this these those ask asks asked asking require requires required requiring demand demands need needs must
should shall has have having want we i please always only any anyone anybody everyone everybody every all people
person persons everything anything user users account accounts member members sign signs signing into log logs
logging sign-in sign-ins signin signins login logins attempt attempts access use uses using used device devices come
comes coming network networks address addresses country countries also then about after before do does
"""
#: Words that say nothing by themselves.
IDLE: Final = frozenset(_SAYS_NOTHING.split())
#: Words that begin another thought: what was excepted before them is excepted no longer.
TURNS: Final = frozenset({"for", "from", "on", "at", "with", "of", "when", "if", "by", "to", "in"})
