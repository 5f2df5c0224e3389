#!/usr/bin/env bats
# Protects virtdiag cgroup tree: whole screens and JSON of captured hosts, and what it says of built ones: old layouts,
# partitions, leftovers, limits, trouble, hostile files, nothing to see.
# shellcheck disable=SC2154 # run sets stderr
load helpers

DATA=$BATS_TEST_DIRNAME/data/cgroup

# expect NAME HOST ARGS...: stdout equals data/cgroup/NAME.txt, and the JSON without what changes equals NAME.json
expect() {
	local name=$1 root=$2
	shift 2
	run -0 --separate-stderr vd --root "$root" cgroup tree "$@"
	same "$output" "$(cat "$DATA/$name.txt")"
	run -0 --separate-stderr vd --json --root "$root" cgroup tree "$@"
	same "$(json '{status, layout, cgroups, notes, missing}')" "$(cat "$DATA/$name.json")"
}

# put PATH LINE...: a file of the built host $H; a line each
put() {
	mkdir -p "$H$(dirname "$1")"
	local path=$1
	shift
	if [ $# -gt 0 ]; then printf '%s\n' "$@" >"$H$path"; else : >"$H$path"; fi
}

# built: an empty host with cgroup v2 in $H
built() {
	H=$BATS_TEST_TMPDIR/host
	put /proc/self/mountinfo "26 1 254:0 / / rw - ext4 /dev/vda rw" "31 26 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
	put /sys/fs/cgroup/cgroup.controllers "cpuset cpu io memory pids"
}

# guest NAME ID PID [XML]: a running QEMU guest
guest() {
	put "/run/libvirt/qemu/$1.xml" "<domstatus state='running' reason='booted' pid='$3'>" \
		"<domain type='kvm' id='$2'><name>$1</name><memory unit='KiB'>2097152</memory>" \
		"<os><type>hvm</type></os>${4-}</domain></domstatus>"
}

# group PATH TID...: a cgroup with these threads
group() {
	local path=/sys/fs/cgroup$1
	shift
	put "$path/cgroup.threads" "$@"
}

tree() {
	run -0 --separate-stderr vd --root "$H" cgroup tree "$@"
}

@test "cgroup tree: systemd, v2, QEMU and LXC -> scope and nested group are one row" {
	expect v2-systemd-selinux "$HOSTS/v2-systemd-selinux"
}

@test "cgroup tree: hybrid without systemd -> each column from the hierarchy that has it" {
	expect v1-hybrid-qemu "$HOSTS/v1-hybrid-qemu"
}

@test "cgroup tree: v1, LXC -> limits, and what the capture lacks is missing" {
	expect v1-lxc "$HOSTS/v1-lxc"
	# as cgroup check says, in each hierarchy
	run -0 --separate-stderr vd --root "$HOSTS/v1-lxc" cgroup tree --all-controllers -r -n -o NAME,FLAGS
	same "$(grep -c '^lxc-8105-sf-lxch misplaced$' <<<"$output")" 7
	run -0 --separate-stderr vd --root "$HOSTS/v1-lxc" cgroup tree
	has "$stderr" "/sys/fs/cgroup/cpuacct/machine/tasks"
}

@test "cgroup tree: v2 without controllers, another libvirtd's guest -> orphan, no groups for threads" {
	expect v2-only-qemu "$HOSTS/v2-only-qemu"
	run -1 --separate-stderr vd --strict --root "$HOSTS/v2-only-qemu" cgroup tree
}

@test "cgroup tree --all-controllers: hybrid -> a tree for each hierarchy that libvirt uses" {
	expect v1-hybrid-qemu-all "$HOSTS/v1-hybrid-qemu" --all-controllers
}

@test "cgroup tree GUEST: only its branch, with its parents" {
	expect v2-systemd-selinux-c1 "$HOSTS/v2-systemd-selinux" c1
	run -0 --separate-stderr vd --root "$HOSTS/v2-systemd-selinux" cgroup tree lxc:653 g1
	has "$output" qemu-2-g1
	has "$output" lxc-653-c1
}

@test "cgroup tree GUEST: no guest has the name -> exit 3, no table" {
	run -3 --separate-stderr vd --root "$HOSTS/v2-systemd-selinux" cgroup tree nosuch
	same "$output" ""
	has "$stderr" nosuch
}

@test "cgroup tree -o: PATH is there when asked for" {
	run -0 --separate-stderr vd --root "$HOSTS/v2-systemd-selinux" cgroup tree -n -o GUEST,PATH g1
	has "$output" '/sys/fs/cgroup/machine.slice/machine-qemu\x2d2\x2dg1.scope/libvirt/emulator'
}

@test "cgroup tree: a guest that is shut off -> says so, exit 0" {
	built
	put /etc/libvirt/qemu/off.xml "<domain type='kvm'><name>off</name><os><type>hvm</type></os></domain>"
	group /machine.slice
	tree off
	same "$output" "off is shut off: it has no cgroup"
}

@test "cgroup tree: a name beyond ASCII elsewhere in it -> the other rows stay as they are, in each kind of lines" {
	local plain art name
	built
	for name in a b; do
		guest $name 1 100
		group "/machine.slice/machine-qemu\\x2d1\\x2d$name.scope/libvirt" 100
		group "/machine.slice/machine-qemu\\x2d1\\x2d$name.scope/libvirt/emulator" 101 102
		group "/machine.slice/machine-qemu\\x2d1\\x2d$name.scope/libvirt/vcpu10" 103
		group "/machine.slice/machine-qemu\\x2d1\\x2d$name.scope/libvirt/vcpu9" 104
	done
	group /machine.slice
	for art in "" --ascii; do
		tree -o NAME,TASKS,GUEST $art
		plain=$output
		guest é 2 200
		group /libvirt/qemu/é 200
		group /libvirt/qemu
		group /libvirt
		tree -o NAME,TASKS,GUEST $art
		has "$output" é
		same "$(grep -v 'libvirt\|qemu  \|é' <<<"$output")" "$plain"
		rm -r "$H/sys/fs/cgroup/libvirt" "$H/run/libvirt/qemu/é.xml"
	done
	same "$plain" "\
NAME           TASKS  GUEST
machine.slice     10  -
|-qemu-1-a         5  a
| |-emulator       2  -
| |-vcpu9          1  -
| \`-vcpu10         1  -
\`-qemu-1-b         5  b
  |-emulator       2  -
  |-vcpu9          1  -
  \`-vcpu10         1  -"
}

@test "cgroup tree: old layout libvirt/qemu/NAME, a name with a space and UTF-8 -> found by name" {
	built
	guest "wéb 01" 1 100
	group /libvirt
	group /libvirt/qemu
	group "/libvirt/qemu/wéb 01" 100 101
	tree -o NAME,GUEST,TASKS,FLAGS
	same "$output" "$(cat "$DATA/old-layout.txt")"
	same "$stderr" ""
}

@test "cgroup tree: custom partitions, with and without systemd -> their guests below them" {
	built
	guest a 1 100 "<resource><partition>/machine/prod/sub.x</partition></resource>"
	guest b 2 200 "<resource><partition>/vms-x</partition></resource>"
	for p in /machine /machine/prod.partition /machine/prod.partition/sub.x '/vms\x2dx.slice'; do group "$p"; done
	group /machine/prod.partition/sub.x/qemu-1-a.libvirt-qemu 100
	group '/vms\x2dx.slice/machine-qemu\x2d2\x2db.scope'
	group '/vms\x2dx.slice/machine-qemu\x2d2\x2db.scope/libvirt' 200
	group '/vms\x2dx.slice/systemd-nspawn@other.service' 300
	tree -o NAME,GUEST,TASKS,FLAGS
	same "$output" "$(cat "$DATA/partitions.txt")"
}

@test "cgroup tree: two guests whose names are cut to 64 bytes -> told apart by their ids" {
	built
	local long=sf-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhh
	guest "${long}1" 3 100
	guest "${long}2" 4 200
	group /machine
	group /machine/qemu-3-sf-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffff.libvirt-qemu 100
	group /machine/qemu-4-sf-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffff.libvirt-qemu 200
	run -0 --separate-stderr vd --json --root "$H" cgroup tree
	same "$(json '[.cgroups[0].children[].guest] | join(" ")')" "${long}1 ${long}2"
}

@test "cgroup tree: groups left behind and processes without a guest -> stale, orphan, warnings" {
	built
	put /etc/libvirt/qemu/web01.xml "<domain type='kvm'><name>web01</name><os><type>hvm</type></os></domain>"
	group /machine
	group /machine/qemu-3-web01.libvirt-qemu
	group /machine/qemu-9-gone.libvirt-qemu 77
	tree -o NAME,GUEST,TASKS,FLAGS
	same "$output" "$(cat "$DATA/leftovers.txt")"
	run -1 --separate-stderr vd --strict --root "$H" cgroup tree
	run -0 --separate-stderr vd --json --root "$H" cgroup tree web01
	same "$(json '[.cgroups[0].children[].name] | join(" ")')" "qemu-3-web01"
}

@test "cgroup tree: throttled, killed, frozen, on huge pages, under pressure -> flags" {
	built
	guest a 1 100 "<memoryBacking><hugepages/></memoryBacking>"
	local g=/sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu
	group /machine
	put $g/cgroup.threads 100
	put $g/cpu.stat "usage_usec 788645000000" "nr_periods 100" "nr_throttled 6"
	put $g/memory.current 8589934592
	put $g/memory.max 9663676416
	put $g/memory.events "low 0" "oom 7" "oom_kill 2"
	put $g/cgroup.events "populated 1" "frozen 1"
	put $g/cpu.pressure "some avg10=1.00 avg60=0.00 avg300=0.00 total=1"
	put $g/memory.pressure "some avg10=22.40 avg60=0.00 avg300=0.00 total=1"
	tree
	same "$output" "$(cat "$DATA/trouble.txt")"
	run -0 --separate-stderr vd --json --root "$H" cgroup tree
	same "$(json '.cgroups[0].children[0] | .pressure, .pressure_resource, .cpu, .memory_max, (.flags | join(" "))')" \
		"22.4
mem
788645
9663676416
throttled oom:2 frozen hugepages:2.0G"
	run -0 --separate-stderr vd --root "$H" cgroup tree -r -n -o PRESSURE,PRESSURE_RESOURCE
	has "$output" "22.4 mem"
}

@test "cgroup tree: a smaller limit above -> MEMORY_MAX is the smallest on the way" {
	built
	guest a 1 100
	put /sys/fs/cgroup/machine.slice/memory.max 4194304
	put '/sys/fs/cgroup/machine.slice/machine-qemu\x2d1\x2da.scope/memory.max' 1048576
	put '/sys/fs/cgroup/machine.slice/machine-qemu\x2d1\x2da.scope/libvirt/memory.max' max
	group /machine.slice
	group '/machine.slice/machine-qemu\x2d1\x2da.scope/libvirt' 100
	run -0 --separate-stderr vd --json --root "$H" cgroup tree
	same "$(json '.cgroups[0].memory_max, .cgroups[0].children[0].memory_max')" "4194304
1048576"
}

@test "cgroup tree: guests run without a group, or are in another one -> rows and warnings" {
	built
	guest a 1 100
	guest b 2 200
	guest c 3 300
	put /proc/100/cgroup "0::/"
	put /proc/200/cgroup "0::/user.slice/x.scope"
	group /machine
	group /machine/qemu-2-b.libvirt-qemu
	tree -o NAME,GUEST,TASKS,FLAGS,PATH
	same "$output" "$(cat "$DATA/misplaced.txt")"
	run -1 --separate-stderr vd --strict --root "$H" cgroup tree
	run -0 --separate-stderr vd --json --root "$H" cgroup tree
	same "$(json '[.notes[].id] | join(" ")')" "no-cgroup misplaced no-cgroup"
	same "$(json '[.cgroups[] | select(.name == null) | .guest] | join(" ")')" "a c"
}

@test "cgroup tree: FIFO, symlink and control characters -> neither read, followed nor printed" {
	built
	guest a 1 100
	group /machine
	group /machine/qemu-1-a.libvirt-qemu 100
	group $'/machine/x\e[2J\ny.libvirt-qemu' 200
	mkfifo "$H/sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu/memory.current"
	mkdir "$H/elsewhere"
	ln -s ../../../../elsewhere "$H/sys/fs/cgroup/machine/qemu-7-link.libvirt-qemu"
	tree
	has "$stderr" "qemu-1-a.libvirt-qemu/memory.current"
	has "$stderr" "no regular file"
	hasnt "$output" qemu-7-link
	hasnt "$output" $'\e'
	has "$output" 'x\e[2J\ny'
}

@test "cgroup tree: no group of libvirt's and no guest -> says so, exit 0" {
	built
	tree
	same "$output" "no cgroup of libvirt's, and no guest runs"
	run -0 --separate-stderr vd --json --root "$H" cgroup tree
	same "$(json '.status, (.cgroups | length)')" "ok
0"
}

@test "cgroup tree: an empty partition -> a row" {
	built
	group /machine.slice
	tree -o NAME,TASKS
	has "$output" machine.slice
}

@test "cgroup tree: no cgroup file system -> missing, exit 3" {
	built
	put /proc/self/mountinfo "26 1 254:0 / / rw - ext4 /dev/vda rw"
	run -3 --separate-stderr vd --root "$H" cgroup tree
	same "$output" ""
	has "$stderr" "no cgroup file system is mounted"
	run -3 --separate-stderr vd --json --root "$H" cgroup tree
	same "$(json '.status, .missing[0].what')" "unknown
cgroups"
}

@test "cgroup tree: a capture without cgroup files, or without a mount table -> missing, exit 3" {
	built
	rm -r "$H/sys"
	run -3 --separate-stderr vd --root "$H" cgroup tree
	has "$stderr" /sys/fs/cgroup
	rm -r "$H/proc"
	run -3 --separate-stderr vd --root "$H" cgroup tree
	has "$stderr" "mount table"
}

@test "cgroup tree --session: a session makes no cgroups -> says so, exit 0" {
	built
	put /etc/passwd "root:x:0:0:root:/root:/bin/sh" "ann:x:1000:1000:Ann:/home/ann:/bin/sh"
	run -0 --separate-stderr vd --root "$H" --session=ann cgroup tree
	same "$output" "a session libvirt makes no cgroups for its guests"
}

@test "cgroup tree: a status XML that cannot be parsed -> exit 3, no group is called an orphan" {
	built
	put /run/libvirt/qemu/a.xml "<domstatus"
	group /machine
	group /machine/qemu-1-a.libvirt-qemu 100
	run -3 --separate-stderr vd --root "$H" cgroup tree
	has "$output" qemu-1-a
	hasnt "$output" orphan
	has "$stderr" /run/libvirt/qemu/a.xml
}

# tunable GUEST FIELDS...: a limited group of a built host, files as NAME=VALUE
limits() {
	local dir=$1 file
	shift
	for file in "$@"; do put "$dir/${file%%=*}" "${file#*=}"; done
}

@test "cgroup show: captured hosts -> limits as the kernel's files say" {
	local host
	for host in v1-hybrid-qemu v1-lxc v2-systemd-selinux; do
		run -0 --separate-stderr vd --root "$HOSTS/$host" cgroup show
		same "$output" "$(cat "$DATA/show-$host.txt")"
	done
	run -0 --separate-stderr vd --json --root "$HOSTS/v1-lxc" cgroup show
	same "$(json '.tunables[] | select(.xml) | [.status, .tunable, .expected, .kernel] | join(" ")')" "\
ok shares 300 300
ok quota 20000 20000
ok period 50000 50000
ok hard_limit 100663296 100663296
ok soft_limit 50331648 50331648
ok swap_hard_limit 134217728 134217728
ok weight 400 400
ok read_bytes_sec 1048576 1048576
ok write_iops_sec 100 100
ok vcpu cpuset 0 0"
}

@test "cgroup show: v2 with systemd -> weights on the scope, the rest on libvirt's group, threads" {
	built
	guest a 1 100 "<cputune><shares>300</shares><quota>25000</quota><period>50000</period>
		<vcpupin vcpu='0' cpuset='0-3,^2'/></cputune><memtune><hard_limit unit='MiB'>100</hard_limit>
		<swap_hard_limit unit='KiB'>9007199254740991</swap_hard_limit></memtune><blkiotune><weight>200</weight></blkiotune>"
	local scope='/sys/fs/cgroup/machine.slice/machine-qemu\x2d1\x2da.scope'
	group /machine.slice
	group '/machine.slice/machine-qemu\x2d1\x2da.scope/libvirt' 100
	group '/machine.slice/machine-qemu\x2d1\x2da.scope/libvirt/vcpu0' 101
	limits "$scope" cpu.weight=300 io.weight="default 200" memory.max=max memory.high=max "cpu.max=max 100000" \
		pids.max=16384 pids.current=3
	limits "$scope/libvirt" memory.max=104857600 memory.high=max memory.swap.max=max memory.current=1048576 \
		"cpu.max=max 100000" "memory.events=max 12" io.max=
	limits "$scope/libvirt/vcpu0" "cpu.max=25000 50000" cpuset.cpus=0-1,3 cpuset.mems= cpuset.cpus.effective=0-1
	run -0 --separate-stderr vd --json --root "$H" cgroup show
	same "$(json '.tunables[] | select(.xml) | [.status, .group, .tunable, .expected, .kernel, (.trouble // "-")] | join(" ")')" "\
ok scope shares 300 300 -
ok guest hard_limit 104857600 104857600 reached 12 times
ok guest swap_hard_limit max max -
ok scope weight 200 200 -
ok vcpu0 quota 25000 25000 -
ok vcpu0 period 50000 50000 -
ok vcpu0 vcpupin 0-1,3 0-1,3 CPU 3 cannot be used: offline, or taken away above"
	put "$scope/memory.max" 50000000
	put "$scope/libvirt/vcpu0/cpu.max" "26000 50000"
	put "$scope/libvirt/memory.high" 4096
	run -1 --separate-stderr vd --root "$H" cgroup show a
	same "$(grep -c '^differs ' <<<"$output")" 3
	has "$output" "$scope/memory.max holds 50000000, but the XML sets nothing"
	has "$output" "$scope/libvirt/vcpu0/cpu.max holds 26000, libvirt sets 25000 for this XML"
	has "$output" "$scope/libvirt/memory.high holds 4096, but the XML sets nothing"
}

@test "cgroup show: io.max of v2, devices whose numbers are not known -> by value; none fits -> unknown" {
	built
	guest a 1 100 "<blkiotune><device><path>/dev/sda</path><read_bytes_sec>1000</read_bytes_sec>
		<write_iops_sec>50</write_iops_sec></device></blkiotune>"
	group /machine
	group /machine/qemu-1-a.libvirt-qemu 100
	put /sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu/io.max "8:0 rbps=1000 wbps=max riops=max wiops=51"
	run -3 --separate-stderr vd --json --root "$H" cgroup show
	same "$(json '.tunables[] | select(.device) | [.status, .tunable, .device, .kernel] | join(" ")')" "\
ok read_bytes_sec /dev/sda 1000
unknown write_iops_sec /dev/sda max"
}

@test "cgroup show: files that are not there or hold nonsense -> unknown, never ok" {
	built
	guest a 1 100 "<memtune><hard_limit>1024</hard_limit></memtune><cputune><shares>7</shares></cputune>"
	group /machine
	group /machine/qemu-1-a.libvirt-qemu 100
	put /sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu/cpu.weight 7
	run -3 --separate-stderr vd --root "$H" cgroup show
	has "$output" "unknown: /sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu/memory.max"
	put /sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu/memory.max $'\e[2Jgarbage'
	run -1 --separate-stderr vd --root "$H" cgroup show
	hasnt "$output" $'\e'
}

@test "cgroup show: no cgroup, shut off, no guest runs, session -> said" {
	built
	put /etc/libvirt/qemu/off.xml "<domain type='kvm'><name>off</name><os><type>hvm</type></os></domain>"
	group /machine
	run -0 --separate-stderr vd --root "$H" cgroup show
	same "$output" "no guest runs"
	run -0 --separate-stderr vd --root "$H" cgroup show off
	same "$output" "off is shut off: it has no cgroup"
	guest a 1 100
	put /proc/100/cgroup "0::/"
	run -1 --separate-stderr vd --root "$H" cgroup show
	same "$output" "a runs without a cgroup of libvirt's: no limit of its XML is in force"
	run -3 --separate-stderr vd --root "$H" cgroup show nosuch
	put /etc/passwd "root:x:0:0:root:/root:/bin/sh" "ann:x:1000:1000:Ann:/home/ann:/bin/sh"
	run -0 --separate-stderr vd --root "$H" --session=ann cgroup show
	same "$output" "a session libvirt makes no cgroups for its guests"
}

# v1devices RULE...: a built host with v1 devices and a running guest "a" whose group has these rules; XML in $xml
v1devices() {
	H=$BATS_TEST_TMPDIR/host
	put /proc/self/mountinfo "26 1 254:0 / / rw - ext4 /dev/vda rw" \
		"31 26 0:26 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices"
	put /etc/libvirt/qemu.conf "${conf-}"
	guest a 1 100 "${xml-}"
	put /sys/fs/cgroup/devices/machine/qemu-1-a.libvirt-qemu/tasks 100
	put /sys/fs/cgroup/devices/machine/qemu-1-a.libvirt-qemu/devices.list "$@"
	put /sys/fs/cgroup/devices/machine/tasks
}
DEFAULTS=("c 1:3 rw" "c 1:7 rw" "c 1:5 rw" "c 1:8 rw" "c 1:9 rw" "c 5:2 rw" "c 10:232 rw" "c 136:* rw")

@test "cgroup devices: captured container on v1 -> its rules, each with its origin" {
	run -0 --separate-stderr vd --root "$HOSTS/v1-lxc" cgroup devices sf-lxch
	same "$output" "$(cat "$DATA/devices-v1-lxc.txt")"
	run -1 --separate-stderr vd --root "$HOSTS/v1-lxc" cgroup devices sf-lxch /dev/null /dev/kmsg
	has "$output" "allowed /dev/null  c 1:3 rwm  by c 1:3 rwm"
	has "$output" "denied  /dev/kmsg  c 1:11  no rule allows it"
	has "$output" "<hostdev mode='capabilities' type='misc'>"
	hasnt "$output" cgroup_device_acl
}

@test "cgroup devices: a USB device of the XML without its rule -> missing, exit 1; a rule nobody asks for -> no origin" {
	xml="<devices><hostdev mode='subsystem' type='usb'><source><address bus='2' device='5'/></source></hostdev></devices>"
	v1devices "${DEFAULTS[@]}" "c 189:132 rw"
	run -0 --separate-stderr vd --json --root "$H" cgroup devices a
	same "$(json '.rules[] | select(.major == 189) | [.status, .path, .origin] | join(" ")')" \
		"allowed /dev/bus/usb/002/005 hostdev hostdev0"
	v1devices "${DEFAULTS[@]}" "b 8:0 rw"
	run -1 --separate-stderr vd --root "$H" cgroup devices a
	has "$output" "missing  c 189:132 rw"
	same "$(grep 'b 8:0' <<<"$output" | tr -s ' ')" "allowed b 8:0 rw - -"
}

@test "cgroup devices: cgroup_device_acl set -> its origin, and the whole list with the new path as advice" {
	conf='cgroup_device_acl = [ "/dev/null", "/dev/net/tun" ]'
	v1devices "c 1:3 rw" "c 10:200 rw" "c 136:* rw"
	run -0 --separate-stderr vd --json --root "$H" cgroup devices a
	same "$(json '[.rules[].origin] | join("|")')" "cgroup_device_acl|cgroup_device_acl|always: pseudo terminals"
	run -1 --separate-stderr vd --json --root "$H" cgroup devices a /dev/kmsg
	same "$(json '.paths[0].add_conf')" 'cgroup_device_acl = [ "/dev/null", "/dev/net/tun", "/dev/kmsg" ]'
}

@test "cgroup devices: a group that was never closed -> every device is allowed" {
	v1devices "a *:* rwm"
	run -0 --separate-stderr vd --root "$H" cgroup devices a /dev/kmsg
	has "$output" "nothing filters devices here"
	has "$output" "allowed /dev/kmsg"
}

@test "cgroup devices: v2 in a capture, nonsense in devices.list -> unknown, exit 3" {
	run -3 --separate-stderr vd --root "$HOSTS/v2-systemd-selinux" cgroup devices g1 /dev/null
	has "$output" "unknown /dev/null  the rules of cgroup v2 are a program in the kernel"
	v1devices "c 1:3 rw" $'\e[2J' "c 136:* rw"
	run -3 --separate-stderr vd --root "$H" cgroup devices a /dev/null
	has "$stderr" "holds a line that is no rule"
	hasnt "$output$stderr" $'\e'
}

@test "cgroup devices: no guest, shut off, relative path, session -> said" {
	v1devices "${DEFAULTS[@]}"
	put /etc/libvirt/qemu/off.xml "<domain type='kvm'><name>off</name><os><type>hvm</type></os></domain>"
	run -2 --separate-stderr vd --root "$H" cgroup devices
	run -2 --separate-stderr vd --root "$H" cgroup devices a dev/null
	run -3 --separate-stderr vd --root "$H" cgroup devices nosuch
	run -0 --separate-stderr vd --root "$H" cgroup devices off
	same "$output" "off is shut off: it has no cgroup"
	run -3 --separate-stderr vd --root "$H" cgroup devices off /dev/null
}

# comounted: v1 with cpu and cpuacct in one mount, memory in another; no guest runs
comounted() {
	H=$BATS_TEST_TMPDIR/host
	put /proc/self/mountinfo "26 1 254:0 / / rw - ext4 /dev/vda rw" \
		"31 26 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct" \
		"32 26 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
	put /sys/fs/cgroup/cpu,cpuacct/tasks
	put /sys/fs/cgroup/memory/tasks
}

@test "cgroup controllers: captured hosts -> what is mounted where, and what libvirt uses" {
	local host
	for host in v1-hybrid-qemu v2-systemd-selinux v1-lxc; do
		run -0 --separate-stderr vd --root "$HOSTS/$host" cgroup controllers
		same "$output" "$(cat "$DATA/controllers-$host.txt")"
	done
}

@test "cgroup controllers: cgroup_controllers set -> what it leaves out is not used" {
	comounted
	put /etc/libvirt/qemu.conf '# comment' 'cgroup_controllers = [ "cpu", "cpuacct" ]'
	run -0 --separate-stderr vd --root "$H" cgroup controllers --json
	same "$(json '.controllers[] | select(.mount) | [.controller, .used, .configured, .with[0]] | join(" ")')" \
		"cpu true yes cpuacct
cpuacct true yes cpu
memory false no "
	run -0 --separate-stderr vd --root "$H" cgroup controllers
	has "$output" "cgroup_controllers is set in /etc/libvirt/qemu.conf:2"
}

@test "cgroup controllers --disable: a part of a mount -> refused, nothing changed; all of it -> a diff" {
	comounted
	run -3 --separate-stderr vd --root "$H" cgroup controllers --disable cpu --dry-run
	has "$stderr" "cpu is one mount with cpu,cpuacct"
	run -0 --separate-stderr vd --root "$H" cgroup controllers --disable cpu,cpuacct --dry-run
	has "$output" '+cgroup_controllers = [ "devices", "memory", "blkio", "cpuset", "freezer", "net_cls", "perf_event" ]'
	has "$output" "next    restart the daemon that serves QEMU, libvirtd or virtqemud, then stop"
	put /usr/sbin/virtqemud
	run -0 --separate-stderr vd --root "$H" cgroup controllers --disable cpu,cpuacct --dry-run
	has "$output" "next    restart virtqemud, then stop and start the guests"
	run -0 --separate-stderr vd --root "$H" --json cgroup controllers --disable cpu,cpuacct --dry-run
	same "$(json '.changes[0].daemon')" virtqemud
	run -0 --separate-stderr vd --root "$H" cgroup controllers --enable cpu --dry-run
	has "$output" "nothing was changed"
	[ ! -e "$H/etc/libvirt/qemu.conf" ]
}

@test "cgroup controllers --disable: given twice -> both" {
	comounted
	run -0 --separate-stderr vd --json --root "$H" cgroup controllers --disable cpuset --disable memory,blkio --dry-run
	same "$(json '.changes[0].new | map(select(. == "cpuset" or . == "memory" or . == "blkio"))|@json')" "[]"
	run -2 --separate-stderr vd --root "$H" cgroup controllers --disable pids --disable memory --dry-run
	has "$stderr" "'pids' is no controller"
	run -2 --separate-stderr vd --root "$H" cgroup controllers --disable memory --disable cpu --enable memory --dry-run
}

@test "cgroup controllers --disable: a guest that needs it -> warning" {
	comounted
	put /etc/libvirt/qemu/db.xml "<domain type='kvm'><name>db</name><os><type>hvm</type></os>
		<memtune><hard_limit>1</hard_limit></memtune></domain>"
	run -0 --separate-stderr vd --root "$H" cgroup controllers --disable memory --dry-run
	has "$output" "warning: db has <memtune> in its XML and will not start without memory"
	run -1 --separate-stderr vd --strict --root "$H" cgroup controllers --disable memory --dry-run
}

@test "cgroup controllers --disable: guests that must not be read -> told in text and JSON, as those that need it are" {
	comounted
	put /etc/libvirt/qemu/db.xml "<domain type='kvm'><name>db</name><os><type>hvm</type></os>
		<memtune><hard_limit>1</hard_limit></memtune></domain>"
	chmod 000 "$H/etc/libvirt/qemu"
	run -0 --separate-stderr as_nobody --root "$H" cgroup controllers --disable memory --dry-run
	has "$stderr" "not examined: cannot open the directory '/etc/libvirt/qemu'"
	has "$stderr" "what of it will not start then is not known"
	run -0 --separate-stderr as_nobody --root "$H" --json cgroup controllers --disable memory --dry-run
	same "$(json '.missing | length')" 1
	has "$(json '.missing[0] | .what + " " + .why')" "/etc/libvirt/qemu cannot open"
	run -0 --separate-stderr as_nobody --root "$H" --json cgroup controllers --enable memory --dry-run
	chmod 755 "$H/etc/libvirt/qemu"
	same "$(json '.missing | length')" 0
}

@test "cgroup controllers: unknown name, both ways, broken qemu.conf, a capture -> refused with the reason" {
	comounted
	run -2 --separate-stderr vd --root "$H" cgroup controllers --disable pids
	has "$stderr" "'pids' is no controller that libvirt knows"
	run -2 --separate-stderr vd --root "$H" cgroup controllers --disable memory,
	run -2 --separate-stderr vd --root "$H" cgroup controllers --disable memory --enable memory
	run -2 --separate-stderr vd --root "$H" cgroup controllers --dry-run
	run -3 --separate-stderr vd --root "$H" cgroup controllers --disable memory
	has "$stderr" "a capture is evidence"
	put /etc/libvirt/qemu.conf 'cgroup_controllers = [ "pids" ]'
	run -3 --separate-stderr vd --root "$H" cgroup controllers
	has "$stderr" "qemu.conf:1: libvirt knows no cgroup controller 'pids'"
}

# finding ID: severity and guest of the findings of that kind in the last JSON
finding() {
	json ".findings[] | select(.id == \"$1\") | [.severity, .guest // \"-\"] | join(\" \")"
}

@test "cgroup check: captured hosts -> what is there, exit 0; with --strict warnings count" {
	run -0 --separate-stderr vd --root "$HOSTS/v2-systemd-selinux" cgroup check
	same "$output" "2 running guests checked: 0 fail, 0 warn, 0 info"
	run -0 --separate-stderr vd --json --root "$HOSTS/v1-hybrid-qemu" cgroup check
	same "$(finding cgroup-throttled)" "warn sf-a.b_c é-x"
	same "$(json '.findings[0].evidence[0] | keys | @json')" '["line","path","text","time"]'
	run -1 --separate-stderr vd --strict --root "$HOSTS/v1-hybrid-qemu" cgroup check
	run -0 --separate-stderr vd --json --root "$HOSTS/v2-only-qemu" cgroup check
	same "$(finding cgroup-orphan)" "warn -"
}

@test "cgroup check: everything wrong with one guest -> a finding each, exit 1" {
	built
	put /run/libvirt/qemu/a.xml "<domstatus state='running' reason='booted' pid='100'><vcpus><vcpu id='0' pid='101'/>
		<vcpu id='1' pid='102'/></vcpus><domain type='kvm' id='1'><name>a</name><memory>2097152</memory>
		<os><type>hvm</type></os><memoryBacking><hugepages/></memoryBacking><memtune><hard_limit>100</hard_limit>
		<swap_hard_limit>200</swap_hard_limit></memtune><cputune><vcpupin vcpu='0' cpuset='0-1'/></cputune></domain></domstatus>"
	local g=/sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu
	group /machine
	group /machine/qemu-1-a.libvirt-qemu 100
	group /machine/qemu-1-a.libvirt-qemu/vcpu0 101
	group /machine/qemu-9-gone.libvirt-qemu
	limits $g memory.max=102400 memory.swap.max=204801 memory.current=100000 "memory.events=oom_kill 2" \
		"cgroup.events=frozen 1" pids.max=100 pids.current=95 \
		"io.pressure=some avg10=1.00 avg60=33.30 avg300=1.00 total=1"
	limits $g/vcpu0 "cpu.max=max 100000" $'cpu.stat=nr_periods 100\nnr_throttled 50' cpuset.cpus=0-1 \
		cpuset.cpus.effective=0
	run -1 --separate-stderr vd --json --root "$H" cgroup check
	same "$(json '.status')" problems
	for id in "cgroup-limit:fail a" "cgroup-oom:warn a" "cgroup-frozen:warn a" "cgroup-throttled:warn a" \
		"cgroup-memory-full:warn a" "cgroup-tasks:warn a" "cgroup-cpus:warn a" "cgroup-pressure:warn a" \
		"cgroup-vcpu:warn a" "cgroup-swap:info a" "cgroup-hugepages:info a" "cgroup-stale:warn -"; do
		same "${id%%:*} $(finding "${id%%:*}")" "${id%%:*} ${id#*:}"
	done
	same "$(json '[.findings[] | select(.id == "cgroup-limit") | .evidence[0].path] | join(" ")')" "$g/memory.swap.max"
}

# task PID TID NAME GROUP...: a thread, and the lines of its cgroup file
task() {
	local path=/proc/$1/task/$2
	put "$path/comm" "$3"
	shift 3
	put "$path/cgroup" "$@"
}

@test "cgroup check: a thread in a wrong group of one hierarchy of v1 -> that, and what moves it" {
	built
	put /proc/self/mountinfo "26 1 254:0 / / rw - ext4 /dev/vda rw" \
		"31 26 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct" \
		"32 26 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset"
	put /run/libvirt/qemu/a.xml "<domstatus state='running' reason='booted' pid='100'><vcpus><vcpu id='0' pid='101'/></vcpus>
		<domain type='kvm' id='1'><name>a</name><memory>2097152</memory><os><type>hvm</type></os></domain></domstatus>"
	local g=/machine/qemu-1-a.libvirt-qemu c child
	for c in cpu,cpuacct cpuset; do
		put /sys/fs/cgroup/$c$g/tasks
		for child in emulator:100 vcpu0:101 iothread7:102; do
			put "/sys/fs/cgroup/$c$g/${child%:*}/tasks" "${child#*:}"
		done
	done
	task 100 100 qemu "2:cpuset:$g/emulator" "1:cpu,cpuacct:$g/emulator"
	task 100 101 "CPU 0/KVM" "2:cpuset:$g/vcpu0" "1:cpu,cpuacct:$g/vcpu0"
	task 100 102 "IO iothread7" "2:cpuset:$g/emulator" "1:cpu,cpuacct:$g/iothread7"
	task 100 103 worker "2:cpuset:$g/iothread7" "1:cpu,cpuacct:$g/iothread7"
	run -0 --separate-stderr vd --root "$H" --json cgroup check
	same "$(json '[.findings[] | [.id, .guest, .subject, .confidence, .message] | @json] | join(" ")')" \
		"$(jq -cn --arg g $g '["cgroup-misplaced", "a", "iothread7", "certain", "I/O thread 7 (thread 102, \"IO iothread7\") is in "
			+ $g + "/emulator of cpuset, not in iothread7: the limits of that do not hold for it"]')"
	same "$(json '.findings[0].fix | @json')" "$(jq -cn --arg d /sys/fs/cgroup/cpuset$g '[{command: ["sh", "-c",
		"echo \"$0\" >\"$1\"", "102", $d + "/iothread7/tasks"], risk: null, undo: ["sh", "-c",
		"echo \"$0\" >\"$1\"", "102", $d + "/emulator/tasks"]}]')"
	run -0 --separate-stderr vd --root "$H" cgroup check
	has "$output" "cgroup-misplaced of a: iothread7
  fix   sh -c 'echo \"\$0\" >\"\$1\"' 102 /sys/fs/cgroup/cpuset$g/iothread7/tasks
  undo  sh -c 'echo \"\$0\" >\"\$1\"' 102 /sys/fs/cgroup/cpuset$g/emulator/tasks"

	# In both hierarchies it is one finding; a thread that nobody can name is likely, a helper of KVM is none.
	task 100 101 "CPU 0/KVM" "2:cpuset:$g/iothread7" "1:cpu,cpuacct:$g/iothread7"
	task 100 102 "IO iothread7" "2:cpuset:$g/iothread7" "1:cpu,cpuacct:$g/iothread7"
	task 100 103 worker "2:cpuset:$g/vcpu0" "1:cpu,cpuacct:$g/emulator"
	task 100 104 kvm-nx-lpage "2:cpuset:$g/vcpu0" "1:cpu,cpuacct:$g/vcpu0"
	task 100 105 "IO iothread9" "2:cpuset:/" "1:cpu,cpuacct:$g"
	run -0 --separate-stderr vd --root "$H" --json cgroup check
	same "$(json '.findings[] | [.subject, .confidence, (.fix | length)] | @json')" '["vcpu0","certain",2]
["emulator","likely",1]
["its group","certain",1]'
	has "$(json '.findings[0].message')" "of cpu,cpuacct and cpuset, not in vcpu0"

	# Without what the threads say, the groups' own lists are what is known.
	rm -r "$H/proc/100"
	put "/sys/fs/cgroup/cpu,cpuacct$g/iothread7/tasks" 101
	put "/sys/fs/cgroup/cpu,cpuacct$g/vcpu0/tasks"
	run -0 --separate-stderr vd --root "$H" --json cgroup check
	same "$(json '.findings[] | [.id, .guest] | @json')" '["cgroup-misplaced","a"]'
}

@test "cgroup check: limits that differ -> a fix and its undo, each in the form of its file" {
	built
	guest a 1 100 "<cputune><shares>300</shares><global_period>50000</global_period><global_quota>25000</global_quota>
		</cputune><memtune><hard_limit unit='KiB'>262144</hard_limit></memtune>"
	local g=/sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu
	group /machine
	group /machine/qemu-1-a.libvirt-qemu 100
	limits $g cpu.weight=100 "cpu.max=max 100000" memory.max=max memory.high=4096 "io.max=254:0 rbps=4096 wbps=max"
	run -1 --separate-stderr vd --root "$H" --json cgroup check
	same "$(json '.findings[] | select(.id == "cgroup-limit") | .fix[] | [.command[3:], .undo[3:]] | @json' | sed "s|$g/||g")" \
		'[["300","cpu.weight"],["100","cpu.weight"]]
[["25000","cpu.max"],["max","cpu.max"]]
[["max 50000","cpu.max"],["max 100000","cpu.max"]]
[["268435456","memory.max"],["max","memory.max"]]
[["max","memory.high"],["4096","memory.high"]]
[["254:0 rbps=max","io.max"],["254:0 rbps=4096","io.max"]]'
}

@test "cgroup check: no group, a device rule that is not there, broken qemu.conf -> fail" {
	xml="<devices><hostdev mode='subsystem' type='usb'><source><address bus='2' device='5'/></source></hostdev></devices>"
	conf='cgroup_controllers = [ "pids" ]'
	v1devices "${DEFAULTS[@]}"
	guest b 2 200
	put /proc/200/cgroup "1:devices:/"
	run -1 --separate-stderr vd --json --root "$H" cgroup check
	same "$(finding cgroup-device-denied)" "fail a"
	same "$(finding cgroup-none)" "fail b"
	same "$(finding cgroup-conf)" "fail -"
	run -0 --separate-stderr vd --root "$H" --session cgroup check
}

@test "cgroup tree --sample: a capture, too short, no duration -> usage" {
	run -2 --separate-stderr vd --root "$HOSTS/v2-systemd-selinux" cgroup tree --sample 1s
	has "$stderr" "in a capture nothing changes"
	run -2 --separate-stderr vd cgroup tree --sample 1ms
	run -2 --separate-stderr vd cgroup tree --sample soon
}

@test "cgroup tree: a guest outside of the cgroup namespace that is seen -> missing, exit 3, no flag" {
	built
	guest a 1 100
	put /proc/100/cgroup "0::/../../machine.slice/x.scope"
	group /machine
	run -3 --separate-stderr vd --root "$H" cgroup tree
	has "$stderr" "/proc/100/cgroup"
	has "$stderr" "outside of this cgroup namespace"
	hasnt "$output" no-cgroup
}

@test "cgroup tree: cpu and cpuacct in one mount -> one group each, threads and numbers from there" {
	comounted
	guest a 1 100
	local g=/sys/fs/cgroup/cpu,cpuacct/machine/qemu-1-a.libvirt-qemu
	put /sys/fs/cgroup/cpu,cpuacct/machine/tasks
	put $g/tasks
	put $g/emulator/tasks 100
	put $g/vcpu0/tasks 101
	put $g/cpuacct.usage 2000000000
	put $g/vcpu0/cpu.stat "nr_periods 10" "nr_throttled 9" "throttled_time 5000000000"
	put /sys/fs/cgroup/memory/machine/tasks
	put /sys/fs/cgroup/memory/machine/qemu-1-a.libvirt-qemu/tasks 100
	put /sys/fs/cgroup/memory/machine/qemu-1-a.libvirt-qemu/memory.limit_in_bytes 1048576
	put /proc/100/cgroup "2:memory:/machine/qemu-1-a.libvirt-qemu" "1:cpu,cpuacct:/machine/qemu-1-a.libvirt-qemu/emulator"
	run -0 --separate-stderr vd --json --root "$H" cgroup tree
	same "$(json '.cgroups[0].children[0] | [.guest, .tasks, .cpu, .memory_max] | join(" ")')" "a 2 2 1048576"
	same "$(json '.cgroups[0].children[0].children[1] | [.name, .tasks, .flags[0]] | join(" ")')" "vcpu0 1 throttled"
	same "$(json '.notes | length')" 0
}

@test "cgroup show: systemd and bfq -> the weight that systemd works out is no difference, another one is" {
	built
	guest a 1 100 "<blkiotune><weight>300</weight></blkiotune>"
	local scope='/sys/fs/cgroup/machine.slice/machine-qemu\x2d1\x2da.scope'
	group /machine.slice
	group '/machine.slice/machine-qemu\x2d1\x2da.scope/libvirt' 100
	put "$scope/io.bfq.weight" "default 118"
	run -0 --separate-stderr vd --json --root "$H" cgroup show
	same "$(json '.tunables[] | select(.tunable == "weight") | [.status, .xml, .expected, .kernel] | join(" ")')" "ok 300 118 118"
	put "$scope/io.bfq.weight" "default 120"
	run -1 --separate-stderr vd --root "$H" cgroup show
	put "$scope/io.weight" "default 300"
	run -0 --separate-stderr vd --root "$H" cgroup show
	guest a 1 100 "<blkiotune><weight>9223372036854775807</weight></blkiotune>"
	rm "$H$scope/io.weight"
	run -1 --separate-stderr vd --json --root "$H" cgroup show
	same "$(json '.tunables[] | select(.tunable == "weight") | [.status, .expected] | join(" ")')" \
		"differs 838488366986797891"
}

# weights BFQ PLAIN [LIBVIRT]: status of the weight 300 of a guest, with these values in the two files
weights() {
	built
	rm -rf "${H:?}/usr"
	guest a 1 100 "<blkiotune><weight>300</weight></blkiotune>"
	group /machine
	group /machine/qemu-1-a.libvirt-qemu 100
	limits /sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu "io.bfq.weight=default $1" "io.weight=default $2"
	[ -z "${3-}" ] || put "/usr/lib64/libvirt.so.0.$3"
	run --separate-stderr vd --json --root "$H" cgroup show
	json '.tunables[] | select(.tunable == "weight") | [.status, .kernel, (.path | sub(".*/"; ""))] | join(" ")'
}

@test "cgroup show: the file that libvirt of that version sets -> judged; without a version either is right, and said" {
	same "$(weights 300 100 9000.0)" "ok 300 io.bfq.weight"
	same "$(weights 100 300 9000.0)" "differs 100 io.bfq.weight"
	same "$(weights 300 100 5004.0)" "differs 100 io.weight"
	same "$(weights 100 300 5004.0)" "ok 300 io.weight"
	same "$(weights 300 100)" "ok 300 io.bfq.weight"
	same "$(weights 100 300)" "ok 300 io.weight"
	same "$(weights 100 200)" "differs 100 io.bfq.weight"
	weights 100 300
	has "$(json '.tunables[] | select(.tunable == "weight") | .why')" "libvirt's version is not known: before 5.5.0"
}

@test "cgroup show: numatune restrictive -> set since 9.2.0; before, or without a version, not set is right too" {
	local version nodes verdict why
	while read -r version nodes verdict why; do
		built
		rm -rf "${H:?}/usr"
		guest a 1 100 "<numatune><memory mode='restrictive' nodeset='1'/></numatune>"
		group /machine
		group /machine/qemu-1-a.libvirt-qemu 100
		group /machine/qemu-1-a.libvirt-qemu/emulator 100
		limits /sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu cpuset.mems=
		limits /sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu/emulator "cpuset.mems=${nodes#-}" cpuset.cpus=
		[ "$version" = - ] || put "/usr/lib64/libvirt.so.0.$version"
		run --separate-stderr vd --json --root "$H" cgroup show
		same "$version $nodes $(json '.tunables[] | select(.tunable == "numatune") | [.status, (.why // "-" | split(" ")[0])] | join(" ")')" \
			"$version $nodes $verdict $why"
	done <<-X
		9002.0 1 ok -
		9002.0 - differs -
		9002.0 0 differs -
		9000.0 1 ok before
		9000.0 - ok before
		9000.0 0 differs before
		- - ok libvirt's
	X
}

@test "cgroup: a group that may not be looked into -> named, exit 3; no guest is said to be without a group" {
	local root=$BATS_TEST_TMPDIR/shut group verb
	cp -a "$HOSTS/v2-systemd-selinux" "$root"
	group=$(echo "$root"/sys/fs/cgroup/machine.slice/machine-qemu*g1.scope/libvirt)
	chmod 000 "$group"
	for verb in check tree 'show g1'; do
		# shellcheck disable=SC2086
		run -3 --separate-stderr as_nobody --root "$root" cgroup $verb
		has "$stderr" 'g1.scope/libvirt: Permission denied'
	done
	chmod 755 "$group"
	chmod 000 "$root/sys/fs/cgroup/machine.slice"
	run -3 --separate-stderr as_nobody --root "$root" --json cgroup check
	same "$(json '.findings')" '[]'
	has "$(json '.missing[].why')" 'Permission denied'
	chmod 755 "$root/sys/fs/cgroup/machine.slice"
}
