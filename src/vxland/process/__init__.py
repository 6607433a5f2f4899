"""What the daemon is as a process: one writer, woken by a doorbell, known to systemd."""
