"""SuperOffice Service (Customer Service) on site, by the ticket port of its SOAP interface."""

from adapters.superoffice_soap.desk import SuperOfficeSoapDesk

__all__ = ["SuperOfficeSoapDesk"]
