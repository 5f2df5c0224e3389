# For the test files that run inside the machine: load it with `load helpers`. It brings the common helpers.
load ../helpers

IMAGES=/var/lib/libvirt/images

# q ARGS...: virsh for QEMU guests; c ARGS...: for containers. Never longer than a minute.
q() {
	timeout 60 virsh -q -c qemu:///system "$@"
}
c() {
	timeout 60 virsh -q -c lxc:///system "$@"
}

# disk FILE FORMAT TARGET [MORE]: a disk element
disk() {
	printf "<disk type='file' device='disk'><driver name='qemu' type='%s'/><source file='%s'/>" "$2" "$1"
	printf "<target dev='%s' bus='virtio'/>%s</disk>" "$3" "${4:-}"
}
# domain NAME DISKS [MORE]: a guest without an operating system; two virtual processors
domain() {
	cat <<-XML
		<domain type='qemu'>
		  <name>$1</name>
		  <memory unit='MiB'>32</memory>
		  <vcpu>2</vcpu>
		  <os><type arch='x86_64' machine='pc'>hvm</type></os>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    $2
		    <controller type='usb' model='none'/>
		    <memballoon model='none'/>
		  </devices>
		  ${3:-}
		</domain>
	XML
}
# define NAME DISKS [MORE]: registers the guest
# start NAME: starts it as far as libvirt and QEMU have a part in it; firmware on an emulated machine in an emulated machine
# would only take time from the test
define() {
	domain "$@" >"$BATS_FILE_TMPDIR/$1.xml"
	q define "$BATS_FILE_TMPDIR/$1.xml"
}
start() {
	q start "$1" --paused
}
# remove NAME...: forgets guests, running or not
remove() {
	local name
	for name in "$@"; do
		q destroy "$name" 2>/dev/null || true
		q undefine "$name" 2>/dev/null || true
	done
}
define_container() {
	cat >"$BATS_FILE_TMPDIR/$1.xml" <<-XML
		<domain type='lxc'>
		  <name>$1</name>
		  <memory unit='MiB'>64</memory>
		  <vcpu>1</vcpu>
		  <os><type>exe</type><init>/bin/sh</init></os>
		  <devices>
		    <emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
		    <console type='pty'/>
		  </devices>
		</domain>
	XML
	c define "$BATS_FILE_TMPDIR/$1.xml"
}

# label FILE: its SELinux context
label() {
	getfattr --absolute-names --only-values -n security.selinux "$1" | tr -d '\0'
}
# status PATH [GUEST]: the STATUS that the last `selinux check --json` gave PATH
status() {
	jq -r --arg path "$1" --arg guest "${2:-}" \
		'.files[] | select(.path == $path and ($guest == "" or .guest == $guest)) | .status' <<<"$output"
}
# fix PATH: runs the fix that the last `selinux check --json` gave for PATH, exactly its argument vector
fix() {
	local argv
	mapfile -t argv < <(jq -r --arg path "$1" '.files[] | select(.path == $path) | .fix[0].command[]' <<<"$output")
	[ ${#argv[@]} -gt 0 ] || {
		echo "# no fix for $1 in: $output"
		return 1
	}
	"${argv[@]}"
}
