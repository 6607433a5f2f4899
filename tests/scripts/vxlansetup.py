"""A script that does what vxlansetup.sh does, written for the tests from the facts about it."""

from collections.abc import Sequence

BODY = r"""
run() {
  if [ "$DRYRUN" = "yes" ]; then echo "$@"; else "$@"; fi
}

start() {
  local i j count=${#REMOTEIPS[@]}
  for ((i = 0; i < count; i++)); do
    for ((j = 0; j < count; j++)); do
      if [ $i -ne $j ]; then
        run ebtables -A FORWARD -i ${VXLAN_DEV}$i -o ${VXLAN_DEV}$j -j DROP
      fi
    done
  done
  run ip link add $BRIDGE_DEV type bridge
  run ip link set $BRIDGE_DEV up
  for ((i = 0; i < count; i++)); do
    run ip link add ${VXLAN_DEV}$i type vxlan id $i remote ${REMOTEIPS[$i]} local $LOCALIP \
      dev $LOCAL_DEV dstport $PORT
    run ip link set ${VXLAN_DEV}$i up
    run ip link set ${VXLAN_DEV}$i master $BRIDGE_DEV
  done
}

stop() {
  run ip link set $BRIDGE_DEV down
  run ip link delete $BRIDGE_DEV
  for device in $(ip addr | grep -o "${VXLAN_DEV}[0-9]*:" | tr -d :); do
    run ip link delete $device
  done
  run ebtables -F
}

case "$1" in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  status) ip addr show $BRIDGE_DEV ;;
  *) echo "usage: $0 start|stop|restart|status"; exit 1 ;;
esac
"""


def variables(local: str, remotes: Sequence[str], device: str = "eth0") -> str:
    """The lines that people edit, as they are at first."""
    return (
        f"LOCALIP={local}\nREMOTEIPS=({' '.join(remotes)})\nLOCAL_DEV={device}\n"
        "BRIDGE_DEV=vxbr0\nVXLAN_DEV=vxlan\nPORT=4789\nDRYRUN=no\n"
    )


def script(settings: str) -> str:
    """A whole script with these lines for its variables."""
    return f"#!/bin/bash\n{settings}{BODY}"
