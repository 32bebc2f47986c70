"""Which policy decides about whom: the operator's file until a stored version is enforced, a canary for its share.

Kept in memory under the epoch that every change of a version bumps, so all processes follow within half a second.
"""

import hashlib
import time
from dataclasses import dataclass

import structlog

from idp.domain.secret import Digester
from idp.policy import rule_file
from idp.policy.findings import BadPolicy
from idp.policy.rules import Policy
from idp.storage.caches import EpochWatch
from idp.storage.policies import EPOCH_NAME, StoredPolicy
from idp.storage.stores import Stores

MEMBERS_SECONDS = 60
ENFORCED, CANARY, SHADOW = "enforced", "canary", "shadow"
log = structlog.get_logger("policy")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The policy that decides about somebody, by its name, and the one that only watches."""

    policy: Policy
    name: str
    denies: bool  # whether the break-glass group has a member with a passkey; until then nothing is denied
    shadow: Policy | None = None


@dataclass(frozen=True, slots=True)
class _Versions:
    enforced: tuple[str, Policy]
    canary: tuple[str, Policy, int] | None
    shadow: Policy | None


class ActivePolicies:
    """The policies of one deployment."""

    def __init__(self, watch: EpochWatch, own: Policy, digester: Digester) -> None:
        """Start from the operator's own file."""
        self._watch = watch
        self.own = own
        self._digester = digester
        self._epoch = -1
        self._versions = _Versions(("file", own), None, None)
        self._members: dict[str, tuple[float, bool]] = {}

    async def of(self, stores: Stores, user_id: str) -> Chosen:
        """Return what decides about a person."""
        epoch = self._watch.get(EPOCH_NAME)
        if epoch != self._epoch:
            self._versions = await self._read(stores)
            self._epoch = epoch
        name, policy = self._versions.enforced
        canary = self._versions.canary
        if canary is not None and share_of(user_id) < canary[2]:
            name, policy = canary[0], canary[1]
        return Chosen(policy, name, await self._denies(stores, policy.break_glass_group), self._versions.shadow)

    async def _read(self, stores: Stores) -> _Versions:
        enforced, canary, shadow = ("file", self.own), None, None
        for stored in await stores.policies.in_states(ENFORCED, CANARY, SHADOW):
            policy = _parsed(stored)
            if policy is None:
                continue
            if stored.state == ENFORCED and enforced[0] == "file":
                enforced = (f"v{stored.version}", policy)
            elif stored.state == CANARY and canary is None:
                canary = (f"v{stored.version}", policy, stored.share)
            elif stored.state == SHADOW and shadow is None:
                shadow = policy
        return _Versions(enforced, canary, shadow)

    async def _denies(self, stores: Stores, group: str) -> bool:
        known = self._members.get(group)
        if known is None or time.monotonic() - known[0] > MEMBERS_SECONDS:
            has_member = await stores.credentials.group_has_passkey(self._digester.digest("group", group))
            self._members[group] = known = (time.monotonic(), has_member)
        return known[1]


def share_of(user_id: str) -> int:
    """Return in which of a hundred parts a person is, the same in every process and for ever."""
    return int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:4], "big") % 100


def _parsed(stored: StoredPolicy) -> Policy | None:
    """Return a stored version; one that this release cannot read is passed over, and the log says so."""
    try:
        return rule_file.read(stored.text, f"v{stored.version}")
    except BadPolicy as error:
        log.error("policy_unreadable", version=stored.version, why=str(error))
        return None
