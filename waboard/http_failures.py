"""What a request that failed tells of whether it arrived."""

import httpx

# The request did not leave. After any other failure the other side may have acted on it.
_NEVER_SENT = (
    httpx.ConnectError,  # refused, no such host, TLS
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def may_have_arrived(error: httpx.RequestError) -> bool:
    """Whether the other side may have got the request, although no answer came."""
    return not isinstance(error, _NEVER_SENT)
