"""Dimensions of a JPEG or PNG from its headers, read by hand."""

import struct

_NOT_FRAMES = {0xC4, 0xC8, 0xCC}  # DHT, JPG, DAC share the range of the SOF markers


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(width, height), or None when `data` is no complete JPEG header."""
    if data[:3] != b"\xff\xd8\xff":
        return None
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def png_size(data: bytes) -> tuple[int, int] | None:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def image_size(data: bytes) -> tuple[int, int] | None:
    return jpeg_size(data) or png_size(data)
