"""Reads a WSDL of the ticket port and rewrites it so that no schema has to be fetched from anywhere."""

from pathlib import Path
from typing import Any

from lxml import etree

from adapters.superoffice_soap.settings import NAMESPACE

SHIPPED = Path(__file__).with_name("ticket.wsdl")

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_ARRAY_TYPE = "{http://schemas.xmlsoap.org/wsdl/}arrayType"
_ENCODED_AS = {"base64": "base64Binary"}  # SOAP-ENC's own name; its other simple types are called as in XML Schema
_LARGEST = 5_000_000  # bytes; a gSOAP WSDL of all three ports is under 300 kB


class BadWsdl(Exception):
    """The file cannot be used as a WSDL; the text says why, for people."""


def read(path: Path | None, namespace: str) -> bytes:
    """A WSDL that needs nothing but itself: the shipped one with *namespace*, or *path* rewritten.

    Raises:
        BadWsdl: the file is not there, is no XML, or holds what must not be in it.
    """
    if path is None:
        return SHIPPED.read_bytes().replace(f'"{NAMESPACE}"'.encode(), f'"{namespace}"'.encode())
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadWsdl(f"it cannot be read ({error.strerror})") from error
    if len(text) > _LARGEST:
        raise BadWsdl(f"it is larger than {_LARGEST:,} bytes")
    return plain_sequences(text)


def plain_sequences(text: bytes) -> bytes:
    """*text* with SOAP-ENC arrays as plain sequences, and without the import of their schema.

    zeep fetches http://schemas.xmlsoap.org/soap/encoding/ for each WSDL that imports it, even where the schema is
    given inline or on disk. On the wire both forms of an array are the same elements, and gSOAP takes either.

    Raises:
        BadWsdl: it is no XML, or has a document type.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise BadWsdl(f"it is no XML ({error.msg})") from None
    document: Any = root.getroottree().docinfo
    if document.doctype:
        raise BadWsdl("it has a document type (DTD), which is never read")
    for element in list(root.iter(f"{_XSD}import")):
        if element.get("namespace") == _ENCODING:
            _parent(element).remove(element)
    for restriction in list(root.iter(f"{_XSD}restriction")):
        if _name(restriction, restriction.get("base", "")) == (_ENCODING, "Array"):
            _make_sequence(restriction)
    for element in root.iter():
        _use_xsd(element)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _make_sequence(restriction: etree._Element) -> None:
    """Put a sequence in the place of ``<complexContent><restriction base="SOAP-ENC:Array">``."""
    content = _parent(restriction)
    array = _parent(content)
    of = next((a.get(_ARRAY_TYPE) for a in restriction.iter(f"{_XSD}attribute") if a.get(_ARRAY_TYPE)), None)
    named = next(restriction.iter(f"{_XSD}element"), None)
    item = etree.SubElement(etree.SubElement(array, f"{_XSD}sequence"), f"{_XSD}element")
    item.set("name", (named.get("name") if named is not None else None) or "item")
    kind, dimensions = _item_type(of, named)
    holder = item
    for _ in range(dimensions - 1):  # T[][] is an array of arrays of T
        inner = etree.SubElement(etree.SubElement(holder, f"{_XSD}complexType"), f"{_XSD}sequence")
        _repeat(holder)
        holder = etree.SubElement(inner, f"{_XSD}element", name="item")
    holder.set("type", kind)
    _repeat(holder)
    array.remove(content)


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    if parent is None:
        raise BadWsdl("its types do not stand where WSDL wants them")
    return parent


def _repeat(element: etree._Element) -> None:
    element.set("minOccurs", "0")
    element.set("maxOccurs", "unbounded")


def _item_type(of: str | None, named: etree._Element | None) -> tuple[str, int]:
    """The type of an array's items and how many dimensions it has, from ``ns:T[][]`` or from its element."""
    if of is None:
        kind = None if named is None else named.get("type")
        if kind is None:
            raise BadWsdl("it has an array that does not tell the type of its items")
        return kind, 1
    kind, _, rest = of.partition("[")
    return kind, 1 + rest.count("[")


def _use_xsd(element: etree._Element) -> None:
    """Name XML Schema's simple types where SOAP-ENC's are named; they are the same without attributes."""
    for attribute in ("type", "base"):
        namespace, name = _name(element, element.get(attribute, ""))
        if namespace == _ENCODING:
            prefix = next((p for p, uri in element.nsmap.items() if uri == _XSD.strip("{}") and p), None)
            if prefix is None:
                raise BadWsdl("it uses types of SOAP-ENC and has no prefix for XML Schema")
            element.set(attribute, f"{prefix}:{_ENCODED_AS.get(name, name)}")


def _name(element: etree._Element, qualified: str) -> tuple[str | None, str]:
    prefix, colon, name = qualified.rpartition(":")
    return element.nsmap.get(prefix if colon else None), name
