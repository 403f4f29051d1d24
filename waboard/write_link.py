"""The link, and its QR code, with which somebody writes to a sender in WhatsApp."""

import segno

from waboard.domain.ids import PhoneNumber


def write_link(number: PhoneNumber) -> str:
    """Return the address that opens WhatsApp at a message to a number."""
    return f"https://wa.me/{number}"


def qr_of(number: PhoneNumber) -> str:
    """Return that address as a QR code: the `data:` URL of an SVG, to be read on any background."""
    return segno.make(write_link(number)).svg_data_uri(scale=4, border=4, light="white")
