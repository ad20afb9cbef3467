"""The gate before a changed configuration: what its run has to come to, and who may say otherwise."""
