"""`make chaos`: whole tenants at work while parts of the product are killed at random, and what of it was not right."""
