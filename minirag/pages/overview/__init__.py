"""The first page of a tenant's admin: what is wrong, what to do first, and how the week went."""
