"""An answer of the sandbox, held against the document of its product."""

from typing import Any

import httpx

from tests.contract import openapi

_PRODUCTS = {
    "/provisioning/": "application-entity",
    "/numbers/": "numbers",
    "/messages-api/": "messages-api",
    "/whatsapp/": "whatsapp",
    "/subscriptions/": "subscriptions-api",
}


def product_of(path: str) -> str:
    return next(product for prefix, product in _PRODUCTS.items() if path.startswith(prefix))


def body_of(response: httpx.Response) -> Any:
    return response.json() if response.content else None


def judge(response: httpx.Response) -> None:
    """Hold the answer against the document of its product."""
    path, method = response.request.url.path, response.request.method
    openapi.validate_response(
        product_of(path), path, method, response.status_code, body_of(response)
    )
