"""How the secrets of webhook endpoints are kept."""

import json
from collections.abc import Mapping

from gateway.crypto import Place, Vault
from webhooks import schemes
from webhooks.calling import Open
from webhooks.endpoints import Seal
from webhooks.tables import Endpoint


def place(owner: str, endpoint_id: str, column: str = "secret") -> Place:
    """Where an endpoint's secret is kept."""
    return Place(owner, "webhook_endpoint", endpoint_id, column)


def sealer(vault: Vault) -> Seal:
    return lambda plain, owner, endpoint_id: vault.encrypt(plain, place(owner, endpoint_id))


def opener(vault: Vault) -> Open:
    return lambda sealed, owner, endpoint_id: vault.decrypt(sealed, place(owner, endpoint_id))


def credentials_opener(vault: Vault) -> Open:
    return lambda sealed, owner, endpoint_id: vault.decrypt(sealed, place(owner, endpoint_id, "credentials"))


def sealed_authentication(
    vault: Vault, wish: Mapping[str, str], owner: str, endpoint_id: str
) -> tuple[str, bytes | None]:
    """The scheme of a wish without faults, and its credentials as they are kept."""
    if not (told := schemes.loaded(wish)):
        return wish["scheme"], None
    return wish["scheme"], vault.encrypt(json.dumps(told).encode(), place(owner, endpoint_id, "credentials"))


def shown_authentication(vault: Vault, row: Endpoint) -> dict[str, str]:
    """How an endpoint is called, as it may be shown."""
    if row.credentials is None:
        return {"scheme": row.scheme}
    told = json.loads(credentials_opener(vault)(row.credentials, row.owner, row.id))
    return {"scheme": row.scheme, **schemes.public(row.scheme, told)}
