"""A bot tried beside its form, with changes that are not saved."""
