"""SCIM 2.0: people and groups as directories write them (RFC 7643, RFC 7644), done by the operations of ours."""
