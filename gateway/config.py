"""Settings: every environment variable is read here, once, and every fault is told at once."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from webhooks.proxy import Proxy

Network = IPv4Network | IPv6Network
T = TypeVar("T")

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("auto", "json", "text")


class ConfigurationError(Exception):
    """The settings cannot be used; the text lists every fault, one a line, with the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this process runs. Rates are per OAuth client; `secret_key` is at least 32 random bytes.

    `folders` is the root of the drop folders, None where there are none. What was sent keeps its body for
    `keep_bodies_days`, and is kept with its attempts for `keep_messages_days`. An endpoint is disabled after
    `disable_after_days` of nothing but failure. Mail goes through `smtp_url`, where there is one, to `mail_to`. Metrics
    and health are on `ops_port`, too, where there is one.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    public_url: str = "http://127.0.0.1:8080"
    egress_allow: tuple[Network, ...] = ()
    egress_proxy: Proxy | None = None
    live_enabled: bool = True
    log_level: str = "INFO"
    log_format: str = "auto"
    ops_host: str = "127.0.0.1"
    ops_port: int | None = None
    requests_per_minute: int = 6000
    requests_burst: int = 500
    endpoints_per_partner: int = 200
    trusted_proxies: tuple[Network, ...] = ()
    folders: Path | None = None
    keep_bodies_days: int = 30
    keep_messages_days: int = 90
    disable_after_days: int = 5
    smtp_url: str = field(default="", repr=False)
    mail_to: str = ""
    mail_from: str = ""

    @property
    def public_host(self) -> str | None:
        return urlsplit(self.public_url).hostname

    @property
    def insecure_transport(self) -> bool:
        """Plain http is accepted: only where the public URL itself is http on this very machine."""
        return urlsplit(self.public_url).scheme == "http"


class _Reader:
    """Reads variables, collects faults."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self.environ.get(name, "").strip() or default
        if value is None:
            self.faults.append(f"{name} is not set")
            return ""
        return value

    def number(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if value.isdecimal() and 0 < int(value) < 10**9:
            return int(value)
        self.faults.append(f"{name} must be a whole number above 0")
        return default

    def parsed(self, name: str, value: str, parse: Callable[[str], T], hint: str, default: T) -> T:
        try:
            return parse(value)
        except ValueError:
            self.faults.append(f"{name} {hint}")
            return default


def secret_key(text: str) -> bytes:
    """The bytes of a secret key written in base64 (standard or URL-safe). Raises ValueError under 32 bytes."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/") + "===", validate=False)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(key) < 32:
        raise ValueError("shorter than 32 bytes")
    return key


def networks(text: str) -> tuple[Network, ...]:
    """CIDRs, separated by commas; nothing where the text is empty."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("not a base URL")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("public http")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_within(network: Network) -> bool:
    """Whether it holds an address of this machine, or one from which clouds tell machines their secrets."""
    inner = (*LOOPBACK, ip_network("169.254.0.0/16"), ip_network("fe80::/10"))
    return any(network.version == one.version and network.overlaps(one) for one in inner)


def _level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError("no such level")
    return text.upper()


def _log_format(text: str) -> str:
    if text not in LOG_FORMATS:
        raise ValueError("no such format")
    return text


def _port(text: str) -> int | None:
    if text and not (text.isdecimal() and 0 < int(text) < 1 << 16):
        raise ValueError("no port")
    return int(text) if text else None


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of this environment. Raises `ConfigurationError` with every fault."""
    read = _Reader(environ)
    key_file = read.text("STECKER_SECRET_KEY_FILE", "")
    key_text = Path(key_file).read_text() if key_file and Path(key_file).is_file() else read.text("STECKER_SECRET_KEY")
    settings = Settings(
        database_url=psycopg_url(read.text("STECKER_DATABASE_URL")),
        redis_url=read.text("STECKER_REDIS_URL"),
        secret_key=read.parsed(
            "STECKER_SECRET_KEY",
            key_text,
            secret_key,
            "must be at least 32 random bytes in base64 (make one: openssl rand -base64 32)",
            b"",
        ),
        public_url=read.parsed(
            "STECKER_PUBLIC_URL",
            read.text("STECKER_PUBLIC_URL", "http://127.0.0.1:8080"),
            _public_url,
            "must be an https URL (http only on a loopback host), for example https://partners.example.com",
            "",
        ),
        egress_allow=read.parsed(
            "STECKER_EGRESS_ALLOW",
            read.text("STECKER_EGRESS_ALLOW", ""),
            networks,
            "must be CIDRs separated by commas, for example 10.1.0.0/16",
            (),
        ),
        egress_proxy=read.parsed(
            "STECKER_EGRESS_PROXY",
            read.text("STECKER_EGRESS_PROXY", ""),
            lambda text: Proxy.of(text) if text else None,
            "must be the URL of a proxy, for example http://10.1.0.5:4750",
            None,
        ),
        trusted_proxies=read.parsed(
            "STECKER_TRUSTED_PROXIES",
            read.text("STECKER_TRUSTED_PROXIES", ""),
            networks,
            "must be CIDRs separated by commas, for example 10.1.0.0/16",
            (),
        ),
        folders=read.parsed(
            "STECKER_FOLDERS",
            read.text("STECKER_FOLDERS", ""),
            _folder,
            "must be a folder that is there",
            None,
        ),
        live_enabled=read.parsed(
            "STECKER_LIVE", read.text("STECKER_LIVE", "on").lower(), _on_off, "is on or off", True
        ),
        log_level=read.parsed(
            "STECKER_LOG_LEVEL",
            read.text("STECKER_LOG_LEVEL", "INFO"),
            _level,
            f"is one of {', '.join(LOG_LEVELS)}",
            "INFO",
        ),
        log_format=read.parsed(
            "STECKER_LOG_FORMAT",
            read.text("STECKER_LOG_FORMAT", "auto").lower(),
            _log_format,
            f"is one of {', '.join(LOG_FORMATS)}",
            "auto",
        ),
        ops_host=read.text("STECKER_OPS_HOST", "127.0.0.1"),
        ops_port=read.parsed(
            "STECKER_OPS_PORT", read.text("STECKER_OPS_PORT", ""), _port, "must be a port, 1 to 65535", None
        ),
        requests_per_minute=read.number("STECKER_REQUESTS_PER_MINUTE", 6000),
        requests_burst=read.number("STECKER_REQUESTS_BURST", 500),
        endpoints_per_partner=read.number("STECKER_ENDPOINTS_PER_PARTNER", 200),
        keep_bodies_days=read.number("STECKER_KEEP_BODIES_DAYS", 30),
        keep_messages_days=read.number("STECKER_KEEP_MESSAGES_DAYS", 90),
        disable_after_days=read.number("STECKER_DISABLE_AFTER_DAYS", 5),
        smtp_url=read.parsed(
            "STECKER_SMTP_URL",
            read.text("STECKER_SMTP_URL", ""),
            _smtp_url,
            "must be smtp:// or smtps:// with a host, for example smtp://user:password@mail.example.com:587",
            "",
        ),
        mail_to=read.text("STECKER_MAIL_TO", ""),
        mail_from=read.text("STECKER_MAIL_FROM", ""),
    )
    if not settings.insecure_transport and any(map(_is_within, settings.egress_allow)):
        read.faults.append(
            "STECKER_EGRESS_ALLOW must not reach this machine or its metadata where STECKER_PUBLIC_URL is https: "
            "127.0.0.0/8, ::1, 169.254.0.0/16, fe80::/10"
        )
    if settings.smtp_url and not (settings.mail_to and settings.mail_from):
        read.faults.append("STECKER_SMTP_URL needs STECKER_MAIL_TO and STECKER_MAIL_FROM, addresses of the operator")
    if read.faults:
        raise ConfigurationError("\n".join(read.faults))
    return settings


def _folder(text: str) -> Path | None:
    if text and not Path(text).is_dir():
        raise ValueError("no such folder")
    return Path(text).absolute() if text else None


def _smtp_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.port == 0):
        raise ValueError("no SMTP server")
    return text


def _on_off(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("neither on nor off")
    return text == "on"


def psycopg_url(url: str) -> str:
    """psycopg 3 by name: what a bare `postgresql://` means has changed between SQLAlchemy's releases."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in {"postgresql", "postgres"} else url
