"""What is deployed, as Prefect's server judges the parameters of a run."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

_DEPLOYMENTS = Path(__file__).resolve().parents[1] / "prefect.yaml"


def assert_takes(deployment: str, parameters: Mapping[str, Any]) -> None:
    """Fail where Prefect would refuse a run of a deployment, such as `cancel/cancel`."""
    validate(dict(parameters), _schema(deployment.rpartition("/")[2]), raise_on_error=True)


@cache
def _schema(name: str) -> dict[str, Any]:
    return parameter_schema(flow_named(name)).model_dump_for_openapi()


@cache
def flow_named(name: str) -> Flow[..., Any]:
    """The flow of a deployment, such as `cancel`."""
    deployments = yaml.safe_load(_DEPLOYMENTS.read_text(encoding="utf-8"))["deployments"]
    (entrypoint,) = (each["entrypoint"] for each in deployments if each["name"] == name)
    module, _, function = entrypoint.partition(":")
    return getattr(import_module(module), function)
