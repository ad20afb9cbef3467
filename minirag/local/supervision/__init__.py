"""One command that runs the whole product on one machine: its servers, its processes, their logs and their end."""
