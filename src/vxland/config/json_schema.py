"""The file's form as JSON Schema, for editors that complete and check TOML by one."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from vxland.config.schema import File


class _Generator(GenerateJsonSchema):
    """Without what only repeats the keys' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's
        return False


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of vxland.toml."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **_without_null(File.model_json_schema(schema_generator=_Generator)),
    }


def _without_null(part: Any) -> Any:  # noqa: ANN401 - JSON
    """The same without defaults that TOML can't write: the descriptions tell them."""
    if isinstance(part, dict):
        return {
            key: _without_null(value)
            for key, value in part.items()
            if not (key == "default" and _has_null(value))
        }
    if isinstance(part, list):
        return [_without_null(value) for value in part]
    return part


def _has_null(value: object) -> bool:
    return value is None or (isinstance(value, dict) and None in value.values())
