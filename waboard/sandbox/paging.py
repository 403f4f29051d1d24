"""The paging that applications, entities and associations share."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

Page = Annotated[int, Query(ge=0)]
Size = Annotated[int, Query(ge=1, le=1000)]


def paged(items: Sequence[Any], page: int, size: int) -> dict[str, Any]:
    """`PageInfo` of Infobip OpenAPI application-entity 3.210.0: pages count from 0."""
    return {
        "results": items[page * size : (page + 1) * size],
        "paging": {
            "page": page,
            "size": size,
            "totalPages": -(-len(items) // size),
            "totalResults": len(items),
        },
    }
