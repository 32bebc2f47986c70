"""The floor's own schema and statements: the least that keeps each promise, in SQL that both databases speak.

Promises kept: a client is looked up and its secret compared; a code or refresh token is spent once, by one statement;
tokens, codes and sessions lie here as digests and personal data sealed; who is disabled, signed out or revoked is
noticed at once; every effect leaves its audit row; what grows has an index by which it is swept.
"""

SCHEMA = (
    "CREATE TABLE clients (id TEXT PRIMARY KEY, secret_digest {blob}, redirect_uri TEXT, is_active INTEGER)",
    "CREATE TABLE users (id TEXT PRIMARY KEY, status TEXT, sealed_profile {blob})",
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, digest {blob} UNIQUE, user_id TEXT, auth_time BIGINT, acr TEXT, "
    "amr TEXT, expires_at BIGINT, idle_expires_at BIGINT, ended_at BIGINT)",
    "CREATE TABLE consents (user_id TEXT, client_id TEXT, scopes TEXT, PRIMARY KEY (user_id, client_id))",
    "CREATE TABLE codes (digest {blob} PRIMARY KEY, grant_id TEXT, client_id TEXT, user_id TEXT, session_id TEXT, "
    "scopes TEXT, redirect_uri TEXT, nonce TEXT, code_challenge TEXT, expires_at BIGINT, spent_at BIGINT)",
    "CREATE TABLE grants (id TEXT PRIMARY KEY, client_id TEXT, user_id TEXT, session_id TEXT, scopes TEXT, "
    "expires_at BIGINT, revoked_at BIGINT, refresh_digest {blob}, refresh_expires_at BIGINT, "
    "predecessor_digest {blob}, rotated_at BIGINT, sealed_successor {blob})",
    "CREATE TABLE revoked_tokens (jti TEXT PRIMARY KEY, expires_at BIGINT)",
    "CREATE TABLE events (id TEXT PRIMARY KEY, at BIGINT, kind TEXT, user_id TEXT, client_id TEXT, session_id TEXT, "
    "sealed_address {blob}, detail TEXT)",
    "CREATE INDEX codes_expire ON codes (expires_at)",
    "CREATE INDEX grants_expire ON grants (expires_at)",
    "CREATE INDEX grants_of ON grants (user_id, client_id)",
    "CREATE INDEX revoked_expire ON revoked_tokens (expires_at)",
    "CREATE INDEX events_at ON events (at)",
    "CREATE INDEX events_of ON events (user_id, at)",
)

SEED = (
    "INSERT INTO clients VALUES ($1, $2, $3, 1)",
    "INSERT INTO users VALUES ($1, 'active', $2)",
    "INSERT INTO sessions VALUES ($1, $2, $3, $4, 'urn:idp:loa:1', 'pwd', $5, $5, NULL)",
    "INSERT INTO consents VALUES ($1, $2, $3)",
)

CLIENT = "SELECT secret_digest, redirect_uri FROM clients WHERE id = $1 AND is_active = 1"

EVENT = "INSERT INTO events VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"

SIGNED_IN = (
    "SELECT s.id, s.user_id, c.scopes FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active' "
    "LEFT JOIN consents c ON c.user_id = s.user_id AND c.client_id = $2 "
    "WHERE s.digest = $1 AND s.ended_at IS NULL AND s.expires_at > $3 AND s.idle_expires_at > $3"
)

ADD_CODE = "INSERT INTO codes VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)"

SPEND_CODE = (
    "UPDATE codes SET spent_at = $1 WHERE digest = $2 AND client_id = $3 AND redirect_uri = $4 "
    "AND code_challenge = $5 AND spent_at IS NULL AND expires_at > $1 "
    "RETURNING grant_id, user_id, session_id, scopes, nonce"
)

ALIVE = (
    "SELECT s.auth_time, s.acr, s.amr FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active' "
    "WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2"
)

ADD_GRANT = "INSERT INTO grants VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8, NULL, NULL, NULL)"

ROTATE = (
    "UPDATE grants SET refresh_digest = $1, refresh_expires_at = $2, predecessor_digest = $3, rotated_at = $4, "
    "sealed_successor = $5 WHERE id = $6 AND refresh_digest = $3 AND client_id = $7 AND revoked_at IS NULL "
    "AND refresh_expires_at > $4 AND expires_at > $4 RETURNING user_id, session_id, scopes"
)

LIVE = (
    "SELECT g.user_id, g.scopes, u.sealed_profile, s.auth_time, s.acr, s.amr FROM grants g "
    "JOIN clients c ON c.id = g.client_id AND c.is_active = 1 "
    "JOIN users u ON u.id = g.user_id AND u.status = 'active' "
    "JOIN sessions s ON s.id = g.session_id AND s.ended_at IS NULL AND s.expires_at > $2 "
    "LEFT JOIN revoked_tokens r ON r.jti = $3 "
    "WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2 AND r.jti IS NULL"
)

HOT = (CLIENT, EVENT, SIGNED_IN, ADD_CODE, SPEND_CODE, ALIVE, ADD_GRANT, ROTATE, LIVE)
