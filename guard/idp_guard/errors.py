"""What an API answers when a token is not enough – RFC 6750 §3, RFC 9470 §3, RFC 9449 §7.1.

A Challenge is an HTTPException of Starlette, so Starlette and FastAPI answer it by themselves.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException

#: error code → status (RFC 6750 §3.1, RFC 9470 §3, RFC 9449 §7.1)
STATUS = {
    "invalid_request": 400,
    "invalid_token": 401,
    "insufficient_scope": 403,
    "insufficient_user_authentication": 401,
    "invalid_dpop_proof": 401,
}


class Refused(Exception):
    """The token or its proof is not good; `parameters` are further members of the challenge."""

    def __init__(self, error: str, description: str, **parameters: str | int) -> None:
        """Keep the error code, a sentence for the developer of the client, and what else the challenge says."""
        super().__init__(description)
        self.error = error
        self.description = description
        self.parameters = parameters


class Challenge(HTTPException):
    """The answer to a call that may not pass, with its WWW-Authenticate header."""

    def __init__(self, status: int, scheme: str, parameters: Mapping[str, str | int]) -> None:
        """Build the header; `max_age` is a number and stands without quotes, as in RFC 9470 §3."""
        self.error = parameters.get("error")
        written = ", ".join(f"{name}={_written(value)}" for name, value in parameters.items())
        headers = {"WWW-Authenticate": f"{scheme} {written}" if written else scheme, "Cache-Control": "no-store"}
        super().__init__(status, str(parameters.get("error_description", "a token is needed")), headers)


def _written(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    # RFC 9110 §5.6.4; RFC 6750 §3 allows neither quotes nor backslashes in what we write here.
    plain = "".join(letter for letter in value if " " <= letter <= "~" and letter not in '"\\')
    return f'"{plain}"'
