"""SuperOffice Service (Customer Service) through its REST WebAPI, on site and online."""

from adapters.superoffice_rest.desk import SuperOfficeRestDesk

__all__ = ["SuperOfficeRestDesk"]
