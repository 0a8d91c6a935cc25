"""SuperOffice's webhooks: whose call it is, and which ticket it says to look at."""

import base64
import hashlib
import hmac
import json

from adapters.errors import NotAuthorised, Rejected


def tickets(desk: str, secret: str, tenant: str, headers: dict[str, str], body: bytes) -> tuple[str, ...]:
    """Ids of tickets to look at. SuperOffice sends calls twice, late and in any order, so they mean no more than that.

    Raises:
        NotAuthorised: the signature over the raw body is not right.
        Rejected: it is signed, and not of the form that SuperOffice documents.
    """
    right = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    if not hmac.compare_digest(right, headers.get("x-superoffice-signature", "").encode()):
        remedy = "Set the same secret in SuperOffice's webhook and in webhook_secret."
        raise NotAuthorised(desk, "the signature of a webhook call is not right.", remedy=remedy)
    if headers.get("x-hook-test", "").lower() == "true":
        return ()  # SuperOffice tries the address when the webhook is saved
    try:
        call = json.loads(body)
        context = str(call.get("ContextIdentifier") or "")
        if tenant and context.casefold() != tenant.casefold():
            raise Rejected(desk, "a webhook call is about another customer's SuperOffice.")
        if not str(call["Event"]).startswith("ticket."):
            return ()
        return (str(int(call["PrimaryKey"])),)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Rejected(desk, "a webhook call is not of the form that SuperOffice documents.") from error
