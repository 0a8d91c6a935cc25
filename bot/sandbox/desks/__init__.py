"""Stand-ins of the helpdesks' servers: as strict as the vendors' documents, with state, and failing on demand."""
