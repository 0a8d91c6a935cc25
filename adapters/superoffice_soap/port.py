"""The ticket port: SOAP envelopes from values and values from envelopes, by zeep, without any network of its own."""

import base64
import io
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import zeep
import zeep.helpers
from lxml import etree
from zeep import exceptions, xsd
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap11Binding

from adapters.http import Reply
from adapters.superoffice_soap.operations import Operation
from adapters.superoffice_soap.wsdl import BadWsdl

logging.getLogger("zeep").setLevel(logging.WARNING)  # at DEBUG it logs envelopes, passwords and all

Value = str | bytes | bool | Sequence[str] | Sequence[Mapping[str, str]]

REST = "*"
"""The name under which `Port.encode` takes the value of a part that the manual forgot to name."""

_serialize: Any = zeep.helpers.serialize_object  # it ships without types

_ELEMENTS = 200_000
"""The ``<`` of an answer, at most: a tree of elements takes fifty times the bytes that it came in, and a list of ten
thousand categories has fewer."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Fault(Exception):
    """The server answered with a SOAP fault; ``code`` and ``text`` are its own."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


class NotSoap(Exception):
    """The reply is not what the WSDL says; the text names the reason without quoting the reply."""


@dataclass(frozen=True, slots=True)
class _Response:
    """What zeep reads of an HTTP response."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    encoding: str = "utf-8"


class Port:
    """One loaded WSDL. Making it takes up to a tenth of a second and is done in a thread; see `load`."""

    def __init__(self, document: Document, binding: Any) -> None:
        client: Any = zeep.Client  # zeep ships types for its data and none for its functions
        self._client = client(wsdl=document, transport=_NoNetwork(), settings=document.settings)
        self._binding = binding
        self._names = {name.lower(): name for name in binding.all()}

    @classmethod
    @lru_cache(maxsize=4)
    def load(cls, text: bytes) -> "Port":
        """The port that *text*, a WSDL, describes; parsed once for all desks that have the same one.

        Raises:
            BadWsdl: it cannot be used.
        """
        settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
        try:
            document = Document(io.BytesIO(text), cast("Any", _NoNetwork()), settings=settings)
        except exceptions.ExternalReferenceForbidden:
            raise BadWsdl("it refers to another file or address; save it in one piece") from None
        except (exceptions.Error, etree.LxmlError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadWsdl(f"it cannot be understood ({type(error).__name__})") from None
        bindings: list[Any] = [one for one in document.bindings.values() if isinstance(one, Soap11Binding)]
        ports = [binding for binding in bindings if any(name.lower() == "newticket" for name in binding.all())]
        if not ports:
            raise BadWsdl("it has no binding of SOAP 1.1 with newTicket; take the one with action=ticket")
        return cls(document, ports[0])

    def has(self, operation: str) -> bool:
        """Whether the WSDL has this operation."""
        return operation.lower() in self._names

    def missing(self, operations: Iterable[Operation]) -> tuple[str, ...]:
        """What the WSDL lacks of *operations*, one line each; letter case makes no difference."""
        lines = []
        for operation in operations:
            if not self.has(operation.name):
                lines.append(f"operation {operation.name}")
                continue
            ins, outs = self._parts(operation.name)
            lines += [f"{operation.name}: {part} (in)" for part in operation.ins if part.lower() not in ins]
            lines += [f"{operation.name}: {part} (out)" for part in operation.outs if part.lower() not in outs]
        return tuple(lines)

    def encode(self, operation: str, values: Mapping[str, Value]) -> tuple[bytes, dict[str, str]]:
        """The envelope for a call, and its HTTP headers.

        Every part that the WSDL names is sent: gSOAP takes a missing one for NULL without a word, and zeep leaves
        out list items that are not typed objects, also without a word. A part that *values* does not name gets
        ``values[REST]``, or is sent empty.
        """
        given = {name.lower(): value for name, value in values.items()}
        parts, _ = self._parts(operation)
        arguments = {name: _filled(element, given.get(key, given.get(REST))) for key, (name, element) in parts.items()}
        bound = self._binding.get(self._names[operation.lower()])
        envelope = bound.create(**arguments).content
        text: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        return text, {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{bound.soapaction or ""}"'}

    def decode(self, operation: str, reply: Reply, *, huge: bool = False) -> dict[str, Any]:
        """The parts of an answer: names in lower case, lists as lists, structs as dicts with keys in lower case.

        Args:
            operation: whose answer it is.
            reply: as it came; its size is already bounded.
            huge: allow a single text of more than 10 MB, for files.

        Raises:
            Fault: it is a SOAP fault.
            NotSoap: it is anything else but an answer of this operation.
        """
        if reply.content.count(b"<") > _ELEMENTS:
            raise NotSoap("too many elements")
        name = self._names[operation.lower()]
        response = _Response(reply.status, reply.content, reply.headers)
        try:
            with self._client.settings(xml_huge_tree=huge):
                result = self._binding.process_reply(self._client, self._binding.get(name), response)
        except exceptions.Fault as fault:
            raise Fault(str(fault.code or ""), str(fault.message or "")) from None
        except (exceptions.DTDForbidden, exceptions.EntitiesForbidden):
            raise NotSoap("a document type in the answer") from None
        except (
            exceptions.Error, etree.LxmlError, LookupError, TypeError, ValueError, AttributeError, RecursionError,
        ) as error:  # fmt: skip
            raise NotSoap(type(error).__name__) from None
        return self._answer(operation, result)

    def _answer(self, operation: str, result: Any) -> dict[str, Any]:
        _, outs = self._parts(operation)
        plain = _serialize(result, dict)
        if not isinstance(plain, dict):  # zeep unwraps an answer of one part
            plain = dict.fromkeys(outs, plain)
        return {str(key).lower(): _plain(value) for key, value in plain.items()}

    def _parts(self, operation: str) -> tuple[dict[str, tuple[str, Any]], dict[str, tuple[str, Any]]]:
        bound = self._binding.get(self._names[operation.lower()])
        return _elements(bound.input), _elements(bound.output)


class _NoNetwork:
    """Stands where zeep looks for a way to fetch things."""

    def load(self, url: str) -> bytes:
        """Nothing is ever fetched."""
        forbidden: Any = exceptions.ExternalReferenceForbidden
        raise forbidden(url)


def _elements(message: Any) -> dict[str, tuple[str, Any]]:
    """The parts of a message by their names in lower case."""
    body = getattr(message, "body", None)
    return {name.lower(): (name, element) for name, element in body.type.elements} if body is not None else {}


def clean(text: str) -> str:
    """*text* without what XML cannot hold; pasted text has it, and lxml would refuse the whole call for it."""
    return _NOT_XML.sub("", text)


def _filled(element: Any, value: Any) -> Any:
    """*value* for *element*; for one that is repeated, each item by itself."""
    if element.accepts_multiple:
        return [_typed(element.type, one) for one in value or ()]
    return _typed(element.type, value)


def _typed(kind: Any, value: Any) -> Any:
    """*value* as the WSDL's type wants it; the empty value of that type for None."""
    if isinstance(kind, xsd.ComplexType):
        return _structure(kind, value)
    if isinstance(kind, xsd.Boolean):
        return bool(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value if isinstance(kind, xsd.Base64Binary) else base64.b64encode(value).decode()
    return "" if value is None else clean(str(value))


def _structure(kind: Any, value: Any) -> Any:
    elements = list(kind.elements)
    if len(elements) == 1 and elements[0][1].accepts_multiple:
        name, items = elements[0]
        return kind(**{name: _filled(items, value)})
    given = {str(key).lower(): one for key, one in (value or {}).items()}
    return kind(**{name: _filled(element, given.get(name.lower())) for name, element in elements})


def _plain(value: Any) -> Any:
    """A decoded value without zeep's shapes: a struct of one list is that list."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(only := next(iter(value.values())), list):
            return _plain(only)
        return {str(key).lower(): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, bytes) or value is None else str(value)
