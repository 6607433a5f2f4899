"""Who gets into an overlay: forged packets from a real attacker, and the peers' own."""
