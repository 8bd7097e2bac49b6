"""How the secrets of webhook endpoints are kept."""

from gateway.crypto import Place, Vault
from webhooks.delivery import OpenSecret
from webhooks.endpoints import Seal


def place(owner: str, endpoint_id: str) -> Place:
    """Where an endpoint's secret is kept."""
    return Place(owner, "webhook_endpoint", endpoint_id, "secret")


def sealer(vault: Vault) -> Seal:
    return lambda plain, owner, endpoint_id: vault.encrypt(plain, place(owner, endpoint_id))


def opener(vault: Vault) -> OpenSecret:
    return lambda sealed, owner, endpoint_id: vault.decrypt(sealed, place(owner, endpoint_id))
