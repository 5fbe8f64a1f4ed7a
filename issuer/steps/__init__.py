"""The nine steps of the flow, one file each. ``issuer.issuance`` strings them together."""
