"""A tenant's keys at model providers: kept once, chosen by bots, replaced in one place."""
