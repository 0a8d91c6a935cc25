"""SOAP as gSOAP speaks it, for the SuperOffice stand-in: envelopes read and written by hand, and the WSDL it serves.

It shares nothing with the adapter: the signatures below are the manual's parameter tables.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

NAMESPACE = "urn:ticket"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"

STRUCTS: Mapping[str, str] = {
    "ValuePairStruct": "field value",
    "CriteriaStruct": "field op value",
    "ResultStruct": "field type value",
    "AttachmentInfoStruct": "attachmentId attachmentName contentType attachmentKey",
    "CategoryStruct": "id name parentId isInternal",
    "PriorityStruct": "id name sortOrder",
    "ExtraFieldsStruct": "fieldName displayField fieldId fieldType",
    "ActiveTicketsStruct": "ticketId readStatus",
}

_TICKET = "title sLevel categoryId priorityId owner customers:string[] extraFields:ValuePairStruct[]"
_MESSAGE = "ticketId sLevel attachmentIds:string[] sendNotification:boolean"
_MAIL = "To:string[] Cc:string[] Bcc:string[]"
_FIND = (
    "sessionKey searchCriteria:CriteriaStruct[] searchFields:string[] maxRows orderBy ascending:boolean",
    "searchResult:ResultStruct[][]",
)

SIGNATURES: Mapping[str, tuple[str, str]] = {
    "login": ("userName password", "sessionKey"),
    "loginAsUser": ("userId username password", "sessionKey"),
    "logout": ("sessionKey", ""),
    "newTicket": (f"sessionKey {_TICKET} sendNotification:boolean", "ticketId"),
    "addMessage": (f"sessionKey messageBody {_MESSAGE}", "messageID"),
    "addMessage2": (f"sessionKey messageBody replyTemplateId {_MESSAGE} {_MAIL}", "messageID"),
    "addMessage3": (f"sessionKey messageBody htmlMessageBody replyTemplateId {_MESSAGE} {_MAIL}", "messageID"),
    "addAttachment": ("sessionKey attachmentName contentType data:base64Binary", "attachmentId"),
    "getAttachment": ("sessionKey attachmentId attachmentKey", "attachmentName contentType data:base64Binary"),
    "getMessage": (
        "sessionKey messageId messageField:string[]",
        "messageResult:ResultStruct[] attachmentInfo:AttachmentInfoStruct[]",
    ),
    "getTicket": ("sessionKey ticketId ticketFields:string[]", "ticketResult:ResultStruct[] messageIds:string[]"),
    "setTicket": ("sessionKey ticketId ticketValues:ValuePairStruct[]", ""),
    "findTickets": _FIND,
    "findCustomers": _FIND,
    "newCustomer": ("sessionKey", "customerId"),
    "setCustomer": ("sessionKey customerId customerValues:ValuePairStruct[]", ""),
    "getCategories": ("sessionKey", "categoryIds:CategoryStruct[]"),
    "getPriorities": ("sessionKey", "priorities:PriorityStruct[]"),
    "getExtraFields": ("sessionKey domain", "extraFields:ExtraFieldsStruct[]"),
    "findUser": ("sessionKey field value", "userId"),
    "getActiveTicketsStatus": ("sessionKey", "ticketStatusResult:ActiveTicketsStruct[]"),
}
"""Operation -> its parts in and out (errorCode left aside), each ``name:type``; a string where no type stands."""


class SoapFault(Exception):
    """What gSOAP answers with status 500."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def parts(listed: str) -> dict[str, str]:
    """A list of ``name:type`` by name."""
    return {name: kind or "string" for name, _, kind in (part.partition(":") for part in listed.split())}


def read(body: bytes, violations: list[str]) -> tuple[str, dict[str, Any]]:
    """The operation of a request and its parameters; a missing one is None, as in gSOAP.

    Whatever the documents do not allow is written to *violations*.

    Raises:
        SoapFault: gSOAP would not let it through to the operation.
    """
    call = _call_of(body)
    name = etree.QName(call)
    if name.namespace != NAMESPACE or name.localname not in SIGNATURES:
        shown = f"{call.prefix}:{name.localname}" if call.prefix else name.localname
        raise SoapFault("SOAP-ENV:Client", f"Method '{shown}' not implemented: method name or namespace not recognized")
    wanted = parts(SIGNATURES[name.localname][0])
    given: dict[str, Any] = dict.fromkeys(wanted)
    seen: set[str] = set()
    for element in call:
        if element.tag not in wanted or element.tag in seen:  # a qualified name is not in wanted either
            violations.append(f"{name.localname}: unknown, qualified or repeated parameter {element.tag}")
            continue
        seen.add(str(element.tag))
        given[str(element.tag)] = _value(element, wanted[str(element.tag)])
    violations += [f"{name.localname}: missing parameter {part}" for part in wanted if part not in seen]
    return name.localname, given


def _call_of(body: bytes) -> etree._Element:
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    except etree.XMLSyntaxError:
        raise SoapFault("SOAP-ENV:Client", "XML syntax error") from None
    tree: Any = root.getroottree()
    if tree.docinfo.doctype:
        raise SoapFault("SOAP-ENV:Client", "DTD is not permitted in SOAP")
    found = root.find(f"{{{_ENVELOPE}}}Body")
    if root.tag != f"{{{_ENVELOPE}}}Envelope" or found is None or len(found) != 1:
        raise SoapFault("SOAP-ENV:VersionMismatch", "Invalid SOAP message or SOAP version mismatch")
    return found[0]


def _value(element: etree._Element, kind: str) -> Any:
    """A parameter's value; items of arrays may have any name."""
    if kind.endswith("[]"):
        return [_value(item, kind.removesuffix("[]")) for item in element]
    if kind in STRUCTS:
        allowed = STRUCTS[kind].split()
        if wrong := [child.tag for child in element if child.tag not in allowed]:
            raise SoapFault("SOAP-ENV:Client", f"Validation constraint violation: {wrong[0]} in {kind}")
        return {field: element.findtext(field) or "" for field in allowed}
    text = element.text or ""
    if len(element):
        raise SoapFault("SOAP-ENV:Client", "Validation constraint violation: a string holds elements")
    if kind == "boolean":
        if text not in {"true", "false", "1", "0"}:
            raise SoapFault("SOAP-ENV:Client", "Validation constraint violation: tag name or namespace mismatch")
        return text in {"true", "1"}
    if kind == "base64Binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error:
            raise SoapFault("SOAP-ENV:Client", "Validation constraint violation: base64") from None
    return text


def answer(operation: str, code: str, out: Mapping[str, Any]) -> str:
    """The envelope of an answer; what *out* does not hold is NULL and left away."""
    kinds = parts(SIGNATURES[operation][1])
    inner = "".join(_written(name, kind, out[name]) for name, kind in kinds.items() if out.get(name) is not None)
    return _envelope(f"<ns:{operation}Response><errorCode>{code}</errorCode>{inner}</ns:{operation}Response>")


def fault(error: SoapFault) -> str:
    """The envelope of a fault."""
    text = escape(error.text)
    return _envelope(
        f"<SOAP-ENV:Fault><faultcode>{error.code}</faultcode><faultstring>{text}</faultstring></SOAP-ENV:Fault>"
    )


def _envelope(inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_ENVELOPE}" xmlns:SOAP-ENC="{_ENCODING}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        f' xmlns:ns="{NAMESPACE}"><SOAP-ENV:Body SOAP-ENV:encodingStyle="{_ENCODING}">{inner}'
        "</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )


def _written(name: str, kind: str, value: Any) -> str:
    if kind.endswith("[]"):
        item = kind.removesuffix("[]")
        prefix = "ns" if item.removesuffix("[]") in STRUCTS else "xsd"
        items = "".join(_written("item", item, one) for one in value)
        return f'<{name} SOAP-ENC:arrayType="{prefix}:{item}[{len(value)}]">{items}</{name}>'
    if kind in STRUCTS:
        return f"<{name}>{''.join(_written(field, 'string', value[field]) for field in STRUCTS[kind].split())}</{name}>"
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    text = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{text}</{name}>" if text else f"<{name}/>"


def wsdl(address: str) -> str:
    """The WSDL that the stand-in serves, in gSOAP's style: rpc/encoded, SOAP-ENC arrays, their schema imported."""
    arrays = sorted(
        {kind for ins, outs in SIGNATURES.values() for kind in parts(f"{ins} {outs}").values() if "[" in kind}
    )
    types = "".join(map(_struct_type, STRUCTS)) + "".join(map(_array_type, ("ResultStruct[]", *arrays)))
    messages = "".join(
        f'<message name="{name}">{_parts_of(ins)}</message>'
        f'<message name="{name}Response">{_parts_of(f"errorCode {outs}")}</message>'
        for name, (ins, outs) in SIGNATURES.items()
    )
    ports = "".join(
        f'<operation name="{name}"><input message="tns:{name}"/><output message="tns:{name}Response"/></operation>'
        for name in SIGNATURES
    )
    body = f'<SOAP:body use="encoded" namespace="{NAMESPACE}" encodingStyle="{_ENCODING}"/>'
    bound = "".join(
        f'<operation name="{name}"><SOAP:operation soapAction=""/>'
        f"<input>{body}</input><output>{body}</output></operation>"
        for name in SIGNATURES
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<definitions name="ticketService" targetNamespace="{NAMESPACE}" xmlns:tns="{NAMESPACE}"'
        f' xmlns:ns="{NAMESPACE}" xmlns:SOAP-ENC="{_ENCODING}" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:SOAP="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:WSDL="http://schemas.xmlsoap.org/wsdl/"'
        ' xmlns="http://schemas.xmlsoap.org/wsdl/"><types><schema xmlns="http://www.w3.org/2001/XMLSchema"'
        f' targetNamespace="{NAMESPACE}" elementFormDefault="unqualified" attributeFormDefault="unqualified">'
        f'<import namespace="{_ENCODING}"/>{types}</schema></types>{messages}'
        f'<portType name="ticketServicePortType">{ports}</portType>'
        '<binding name="ticketService" type="tns:ticketServicePortType">'
        f'<SOAP:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>'
        '<service name="ticketService"><port name="ticketService" binding="tns:ticketService">'
        f'<SOAP:address location="{escape(address)}"/></port></service></definitions>'
    )


def _type_name(kind: str) -> str:
    """A type as the WSDL names it; gSOAP calls T[] ArrayOfT."""
    if kind.endswith("[]"):
        return f"ns:ArrayOf{_type_name(kind.removesuffix('[]')).partition(':')[2]}"
    return f"ns:{kind}" if kind in STRUCTS else f"xsd:{kind}"


def _parts_of(listed: str) -> str:
    return "".join(f'<part name="{name}" type="{_type_name(kind)}"/>' for name, kind in parts(listed).items())


def _struct_type(name: str) -> str:
    fields = "".join(
        f'<element name="{field}" type="xsd:{"boolean" if field == "isInternal" else "string"}" minOccurs="0" '
        'maxOccurs="1" nillable="true"/>'
        for field in STRUCTS[name].split()
    )
    return f'<complexType name="{name}"><sequence>{fields}</sequence></complexType>'


def _array_type(kind: str) -> str:
    item = _type_name(kind.removesuffix("[]"))
    return (
        f'<complexType name="{_type_name(kind).partition(":")[2]}"><complexContent><restriction base="SOAP-ENC:Array">'
        f'<sequence><element name="item" type="{item}" minOccurs="0" maxOccurs="unbounded"/></sequence>'
        f'<attribute ref="SOAP-ENC:arrayType" WSDL:arrayType="{item}[]"/></restriction></complexContent></complexType>'
    )
