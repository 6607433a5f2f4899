"""Rules for FORWARD, and which bridges they let through: one with this name, and another."""

BRIDGES = {"br0": 7, "other": 8}
BRIDGE = f"ip link add br0 index {BRIDGES['br0']} type bridge"
DROPPING = "iptables-nft -P FORWARD DROP"
USERS = "iptables-nft -N USER; iptables-nft -A FORWARD -j USER"
TO_W = "iptables-nft -N W; iptables-nft -A FORWARD {} -j W; iptables-nft -A W -j ACCEPT"
NFT = """nft 'add table inet t { %s
  chain c {
    type filter hook forward priority 0; policy drop;
    %s
} ; }'"""
NEITHER: set[str] = set()
BOTH = set(BRIDGES)

# What they mean to packets in and out by br0, and by another bridge.
OF_IPTABLES: list[tuple[str, set[str]]] = [
    ("-A FORWARD -i br0 -o br0 -j ACCEPT", {"br0"}),
    ("-A FORWARD -o br0 -j ACCEPT", {"br0"}),
    ("-A FORWARD -i br+ -j ACCEPT", {"br0"}),
    ("-A FORWARD -i br0 -o eth0 -j ACCEPT", NEITHER),
    ("-A FORWARD -i br0 ! -o br0 -j ACCEPT", NEITHER),
    ("-A FORWARD ! -i eth0 -j ACCEPT", BOTH),
    ("-A FORWARD ! -i br+ -j ACCEPT", {"other"}),
    ("-A FORWARD -j ACCEPT", BOTH),
    ("-A FORWARD -m comment --comment all -j ACCEPT", BOTH),
    ("-A FORWARD -m physdev --physdev-is-bridged -j ACCEPT", BOTH),
    ("-A FORWARD -i br0 -j DROP", NEITHER),
    ("-A FORWARD -i br0 -j DROP; iptables-nft -A FORWARD -j ACCEPT", {"other"}),
    ("-A FORWARD -i br0 -j REJECT; iptables-nft -A FORWARD -j ACCEPT", {"other"}),
    ("-A FORWARD -s 10.0.0.1 -j DROP; iptables-nft -A FORWARD -j ACCEPT", BOTH),
    ("-A FORWARD -j MARK --set-mark 1; iptables-nft -A FORWARD -j ACCEPT", BOTH),
    ("-A FORWARD -j NFQUEUE", BOTH),  # to a program that may let them through
    ("-A FORWARD -s 10.0.0.1 -j ACCEPT", NEITHER),
    ("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", NEITHER),
    ("-A FORWARD -i br0 -m conntrack --ctstate NEW -j ACCEPT", {"br0"}),
    ("-N W", NEITHER),
    (f"-L; {USERS}; iptables-nft -A USER -i br0 -o br0 -j ACCEPT", {"br0"}),
    (f"-L; {USERS}; iptables-nft -A USER -j ACCEPT", BOTH),
    (f"-L; {USERS}; iptables-nft -A USER -j RETURN", NEITHER),
    (
        f"-L; {USERS}; iptables-nft -A USER -j RETURN; iptables-nft -A USER -j ACCEPT",
        NEITHER,
    ),
    (f"-L; {USERS}; iptables-nft -A USER -i br0 -j DROP; {TO_W.format('')}", {"other"}),
    ("-N W; iptables-nft -A W -i br0 -j ACCEPT", NEITHER),  # nobody jumps there
    ("-L; " + TO_W.format("-i br0"), {"br0"}),
    ("-L; " + TO_W.format("-s 10.0.0.1"), NEITHER),
    ("-L; " + TO_W.format("-s 10.0.0.1") + "; iptables-nft -A FORWARD -j W", BOTH),
    ("-L; " + TO_W.format("-s 10.0.0.1") + "; iptables-nft -A FORWARD -i br0 -j W", {"br0"}),
    ("-N W; iptables-nft -A FORWARD -g W; iptables-nft -A FORWARD -j ACCEPT", NEITHER),
]

CT = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
OF_DOCKER = {  # as iptables -S tells, with a published port; 28 has other chains
    "20": f"""
        -N DOCKER
        -N DOCKER-ISOLATION-STAGE-1
        -N DOCKER-ISOLATION-STAGE-2
        -N DOCKER-USER
        -A FORWARD -j DOCKER-USER
        -A FORWARD -j DOCKER-ISOLATION-STAGE-1
        -A FORWARD -o docker0 {CT}
        -A FORWARD -o docker0 -j DOCKER
        -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
        -A FORWARD -i docker0 -o docker0 -j ACCEPT
        -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
        -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
        -A DOCKER-ISOLATION-STAGE-1 -j RETURN
        -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
        -A DOCKER-ISOLATION-STAGE-2 -j RETURN
        -A DOCKER-USER -j RETURN""",
    "28": f"""
        -N DOCKER
        -N DOCKER-BRIDGE
        -N DOCKER-CT
        -N DOCKER-FORWARD
        -N DOCKER-ISOLATION-STAGE-1
        -N DOCKER-ISOLATION-STAGE-2
        -N DOCKER-USER
        -A FORWARD -j DOCKER-USER
        -A FORWARD -j DOCKER-FORWARD
        -A FORWARD {CT}
        -A DOCKER ! -i docker0 -o docker0 -j DROP
        -A DOCKER-BRIDGE -o docker0 -j DOCKER
        -A DOCKER-CT -o docker0 {CT}
        -A DOCKER-FORWARD -j DOCKER-CT
        -A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1
        -A DOCKER-FORWARD -j DOCKER-BRIDGE
        -A DOCKER-FORWARD -i docker0 -j ACCEPT
        -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
        -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP""",
}

ELEMENTS = "established : accept, new : accept"
OF_NFT: list[tuple[str, str, set[str]]] = [
    ("", 'iifname "br0" oifname "br0" accept;', {"br0"}),
    ("", 'oifname "br*" counter accept;', {"br0"}),
    ("", 'iifname { "br0", "br1" } accept;', BOTH),
    ("", 'iifname . oifname { "br0" . "br0" } accept;', BOTH),
    ("", 'iifname "eth0" oifname { "br0", "br1" } accept;', NEITHER),
    ("", "counter accept;", BOTH),
    ("", "meta mark set 1 accept;", BOTH),
    ("", "ct state established accept;", NEITHER),
    ("", "ct state { established, related } accept;", NEITHER),
    ("", "ip saddr 192.0.2.1-192.0.2.7 accept;", NEITHER),
    ("", "limit rate over 1000/second accept;", NEITHER),
    ("", 'iifname != "eth0" accept;', BOTH),
    ("", 'iifname != "br0" accept;', {"other"}),
    ("", "iif br0 oif br0 accept;", {"br0"}),
    ("", "iif != lo accept;", BOTH),
    ("", "iif lo accept;", NEITHER),
    ("", "iif 1-9 accept;", BOTH),
    ("", "iifgroup 0 accept;", BOTH),
    ("", 'iifname vmap { "br0" : accept };', BOTH),
    ("", 'iifname vmap { "eth0" : accept };', BOTH),
    ("", f'iifname "br0" ct state vmap {{ {ELEMENTS} }};', {"br0"}),
    ("", f"ct state vmap {{ {ELEMENTS} }};", BOTH),
    ("", 'iifname "br0" drop; accept;', {"other"}),
    ("", "iif br0 counter drop; accept;", {"other"}),
    ("", 'iifname "br0" reject; accept;', {"other"}),
    ("", 'iifname "br0" ip saddr 10.0.0.1 drop; accept;', BOTH),
    ("", 'iifname { "br0", "br1" } drop; accept;', BOTH),
    ("", 'oifname "eth0" drop; accept;', BOTH),
    ("chain d { accept; }", "ip saddr 10.0.0.1 jump d; jump d;", BOTH),
    ("chain d { accept; }", 'ip saddr 10.0.0.1 jump d; iifname "br0" jump d;', {"br0"}),
    ("chain d { tcp dport 1 accept; }", 'iifname "br0" jump d;', {"br0"}),
    ("chain d { }", 'iifname "br0" goto d; accept;', {"other"}),
    ("chain d { drop; }", "ip saddr 10.0.0.1 jump d; accept;", BOTH),
    ("chain d { drop; }", 'iifname "br0" jump d; accept;', {"other"}),
    ("", "counter;", NEITHER),
    ("", "", NEITHER),
]

# Silence where packets are dropped all the same: not everything is read.
DOUBTFUL = ("NFQUEUE", 'vmap { "eth0"', '"br1" } drop', "tcp dport")
