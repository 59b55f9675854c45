"""Being a peer: offering, approval, pausing, training, leaving."""
