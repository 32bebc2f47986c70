"""The closed words in which an attempt is described to an adviser; there are no others."""

from enum import StrEnum


class HistoryBucket(StrEnum):
    """How many sign-ins were learnt for this person."""

    NONE = "0"
    ONE = "1"
    TWO = "2-3"
    FOUR = "4-7"
    EIGHT = "8-15"
    SIXTEEN = "16-31"
    MANY = "32+"


class AccountAge(StrEnum):
    """How old the account is."""

    WEEK = "0-7d"
    QUARTER = "8-90d"
    YEAR = "91-365d"
    THREE_YEARS = "1-3y"
    OLDER = "3y+"


class LastSeen(StrEnum):
    """Days since the person last signed in."""

    DAY = "0-1"
    WEEK = "2-7"
    MONTH = "8-30"
    QUARTER = "31-90"
    DORMANT = "91+"
    NEVER = "never"


class NetDepth(StrEnum):
    """The finest level of the network that the person's history knows."""

    IP_KNOWN = "ip_known"
    ASN_KNOWN = "asn_known"
    COUNTRY_KNOWN = "country_known"
    NEW = "new"
    UNKNOWN = "unknown"


class NetKind(StrEnum):
    """What kind of network the attempt comes from."""

    RESIDENTIAL = "residential"
    MOBILE = "mobile"
    BUSINESS = "business"
    HOSTING = "hosting"
    VPN = "vpn"
    TOR = "tor"
    UNKNOWN = "unknown"


class Geo(StrEnum):
    """Whether the country is one of the person's."""

    SAME = "same_country"
    NEW = "new_country"
    UNKNOWN = "unknown"


class TravelSpeed(StrEnum):
    """How fast the person would have travelled since the last sign-in, in km/h."""

    POSSIBLE = "0-900"
    FAST = "901-2000"
    IMPOSSIBLE = "2001+"
    UNKNOWN = "unknown"


class AgentDepth(StrEnum):
    """The finest level of the browser that the person's history knows."""

    UA_KNOWN = "ua_known"
    BROWSER_KNOWN = "browser_known"
    SYSTEM_KNOWN = "system_known"
    DEVICE_KNOWN = "device_known"
    NEW = "new"


class DeviceCookie(StrEnum):
    """What the device cookie said; off while devices are not in use."""

    KNOWN = "known"
    ABSENT = "absent"
    REPLAYED = "replayed"
    OFF = "off"


class HourRarity(StrEnum):
    """How unusual the local hour is for the person."""

    USUAL = "usual"
    UNCOMMON = "uncommon"
    RARE = "rare"
    UNKNOWN = "unknown"


class Failures(StrEnum):
    """Failed attempts within the last hour."""

    NONE = "0"
    FEW = "1-2"
    SOME = "3-5"
    MANY = "6-20"
    FLOOD = "21+"


class GlobalFailures(StrEnum):
    """How far failures everywhere stand above the past week, in standard deviations."""

    CALM = "<1"
    RAISED = "1-2"
    HIGH = "2-3"
    EXTREME = "3+"


class CredentialChange(StrEnum):
    """Days since the password, e-mail address or phone number changed."""

    DAY = "0-1"
    WEEK = "2-7"
    OLDER = "8+"
    NEVER = "never"


class ScopeClass(StrEnum):
    """The strongest kind of access that is asked for."""

    NONE = "none"
    PROFILE = "profile"
    OFFLINE = "offline"
    ADMIN = "admin"


class UserClass(StrEnum):
    """What kind of account it is."""

    STANDARD = "standard"
    PRIVILEGED = "privileged"
    SERVICE = "service"


class SessionEvent(StrEnum):
    """What is being attempted."""

    LOGIN = "login"
    REFRESH = "refresh"
    RECOVERY = "recovery"
    SENSITIVE = "sensitive"


class ListHit(StrEnum):
    """A list that the network stands on."""

    TOR = "tor"
    DENY = "deny"
    WATCH = "watch"


class RecentAction(StrEnum):
    """A sensitive thing that was done with the account lately."""

    PWD_RESET = "pwd_reset"
    EMAIL_CHANGE = "email_change"
    PHONE_CHANGE = "phone_change"
    MFA_ADD = "mfa_add"
    MFA_REMOVE = "mfa_remove"
    CODES_VIEWED = "codes_viewed"
    ADMIN_CONSENT = "admin_consent"
    TOKEN_EXPORT = "token_export"
