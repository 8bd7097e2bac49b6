"""The bundled document is valid OpenAPI 3.0."""

from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from gateway import specification


def test_the_bundle_is_valid_openapi() -> None:
    validate(specification.document(), cls=OpenAPIV30SpecValidator)


def test_every_operation_has_an_id_of_its_own_and_says_what_it_is_for() -> None:
    operations = [
        operation
        for item in specification.document()["paths"].values()
        for method, operation in item.items()
        if method in {"get", "post", "patch", "delete", "put"}
    ]
    names = [operation["operationId"] for operation in operations if "operationId" in operation]
    assert len(names) == len(set(names))
    assert all(operation.get("summary") for operation in operations)
