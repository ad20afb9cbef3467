"""django-tenants' PostgreSQL backend with the search path taken from `tenants.context`."""
