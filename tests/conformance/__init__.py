"""The wire contract of `/v1`, one test per stated fact, against any base URL (`make conformance BASE_URL=…`)."""
