"""Where webhooks may go, as the settings say it (W10)."""

import base64

import pytest

from gateway import config
from gateway.config import ConfigurationError
from webhooks.proxy import Proxy

GIVEN = {
    "STECKER_DATABASE_URL": "postgresql://h/d",
    "STECKER_REDIS_URL": "redis://h",
    "STECKER_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
}
PUBLIC = {"STECKER_PUBLIC_URL": "https://partners.example.com"}


def refusal(**variables: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        config.load(GIVEN | variables)
    return str(raised.value)


@pytest.mark.parametrize(
    "within",
    ["127.0.0.0/8", "127.0.0.1/32", "::1/128", "169.254.169.254/32", "fe80::/64", "0.0.0.0/0", "10.0.0.0/8,::/0"],
)
def test_who_serves_the_public_lets_nobody_call_this_machine_w10(within: str) -> None:
    assert "STECKER_EGRESS_ALLOW must not reach this machine" in refusal(**PUBLIC, STECKER_EGRESS_ALLOW=within)
    assert config.load(GIVEN | {"STECKER_EGRESS_ALLOW": within}).egress_allow


def test_a_private_network_may_be_allowed() -> None:
    assert config.load(GIVEN | PUBLIC | {"STECKER_EGRESS_ALLOW": "10.1.0.0/16,fd00::/8"}).public_host is not None


def test_an_egress_proxy_is_a_setting_and_its_password_is_shown_nowhere_k12() -> None:
    settings = config.load(GIVEN | {"STECKER_EGRESS_PROXY": "http://stecker:s3cret@proxy.internal:4750"})
    assert settings.egress_proxy == Proxy.of("http://stecker:s3cret@proxy.internal:4750")
    assert "s3cret" not in repr(settings)
    assert config.load(GIVEN).egress_proxy is None
    said = refusal(STECKER_EGRESS_PROXY="socks5://stecker:s3cret@proxy.internal")
    assert "STECKER_EGRESS_PROXY must be the URL of a proxy" in said
    assert "s3cret" not in said
