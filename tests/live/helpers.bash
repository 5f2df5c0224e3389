# For the test files that run inside the private libvirt: load it with `load helpers`. It brings the common helpers,
# v and lv (virsh), until_true and the daemons' functions.
load ../helpers
# shellcheck source=tests/live/daemons.bash
. "$BATS_TEST_DIRNAME/daemons.bash"

IMAGES=/var/lib/libvirt/images
# Guests are named after the run, so that one that got away would be known.
P=vd${LIVE_RUN##*-}-

xml_escape() {
	sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g' <<<"$1"
}
# disk FILE FORMAT TARGET [MORE]: a disk element
disk() {
	printf "<disk type='file' device='disk'><driver name='qemu' type='%s'/><source file='%s'/>" "$2" "$1"
	printf "<target dev='%s' bus='virtio'/>%s</disk>" "$3" "${4:-}"
}
# define NAME [DEVICES] [MORE]: registers a guest of 32 MiB without an operating system, two virtual processors
define() {
	cat >"$BATS_FILE_TMPDIR/guest.xml" <<-XML
		<domain type='qemu'>
		  <name>$(xml_escape "$1")</name>
		  <memory unit='MiB'>32</memory>
		  <vcpu>2</vcpu>
		  <os><type arch='x86_64' machine='pc'>hvm</type></os>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    ${2:-}
		    <controller type='usb' model='none'/>
		    <memballoon model='none'/>
		  </devices>
		  ${3:-}
		</domain>
	XML
	v define "$BATS_FILE_TMPDIR/guest.xml"
}
# define_container NAME
define_container() {
	cat >"$BATS_FILE_TMPDIR/guest.xml" <<-XML
		<domain type='lxc'>
		  <name>$(xml_escape "$1")</name>
		  <memory unit='MiB'>64</memory>
		  <vcpu>1</vcpu>
		  <os><type>exe</type><init>/bin/sh</init></os>
		  <devices>
		    <emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
		    <console type='pty'/>
		  </devices>
		</domain>
	XML
	lv define "$BATS_FILE_TMPDIR/guest.xml"
}
# remove_all: forgets all guests, running or not
remove_all() {
	local uuid
	for uuid in $(v list --all --uuid); do
		v destroy "$uuid" 2>/dev/null || true
		v undefine --managed-save "$uuid" 2>/dev/null || true
	done
}
# pid NAME: of a running guest
pid() {
	cat "/run/libvirt/qemu/$1.pid"
}
# by_virsh: what libvirt says of all QEMU guests, a line each: uuid, id, state, name
by_virsh() {
	local uuid id
	for uuid in $(v list --all --uuid); do
		id=$(v domid "$uuid")
		printf '%s|%s|%s|%s\n' "$uuid" "${id#-}" "$(v domstate "$uuid")" "$(v domname "$uuid")"
	done | sort
}
# by_virtdiag: the same from the last `guests --json` in $output
by_virtdiag() {
	json '.guests[] | [.uuid, (.id // "" | tostring), .state, .guest] | join("|")' | sort
}
