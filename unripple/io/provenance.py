"""The mark that a picture was altered by a trained algorithm.

IPTC's Digital Source Type, carried as an XMP packet in PNG (iTXt), JPEG (APP1) and WebP files.
Source: https://iptc.org/standards/photo-metadata/ and https://cv.iptc.org/newscodes/digitalsourcetype.
"""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPE = "compositeWithTrainedAlgorithmicMedia"
"""IPTC's word for a photograph with parts made by a trained model."""

_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    Iptc4xmpExt:DigitalSourceType="{uri}"
    xmp:CreatorTool="unripple"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def xmp_packet(source_type: str = SOURCE_TYPE) -> bytes:
    """An XMP packet that states the Digital Source Type, UTF-8."""
    return _PACKET.format(uri=VOCABULARY + source_type).encode()


def source_type(path: Path) -> str | None:
    """The Digital Source Type that a picture file carries, without its vocabulary, or None."""
    with Image.open(path) as picture:
        info = {str(key).lower(): value for key, value in picture.info.items()}
    packet = info.get("xmp", info.get("xml:com.adobe.xmp", b""))
    text = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else str(packet)
    term = re.search(re.escape(VOCABULARY) + r"(\w+)", text)
    return term.group(1) if term else None
