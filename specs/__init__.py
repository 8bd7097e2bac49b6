"""The promise, as importable data: the lifecycle, the partner API, the events."""

from importlib.resources import files


def read(name: str) -> bytes:
    """The bytes of one file of this package, for example `lifecycle.yaml`."""
    return files(__name__).joinpath(name).read_bytes()
