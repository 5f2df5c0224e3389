#!/usr/bin/env bats
# Protects `virtdiag selinux check`: the verdict on every file of a guest, on captured hosts and on trees made here.

load helpers

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
}

# host ENFORCE: an empty SELinux host at $ROOT; ENFORCE is 1, 0, or off
host() {
	mkdir -p "$ROOT"/etc/libvirt/{qemu,lxc} "$ROOT"/run/libvirt/{qemu,lxc} "$ROOT"/etc/selinux/targeted/contexts
	if [ "$1" = off ]; then
		printf 'SELINUX=disabled\nSELINUXTYPE=targeted\n' >"$ROOT/etc/selinux/config"
	else
		mkdir -p "$ROOT/sys/fs/selinux"
		printf '%s' "$1" >"$ROOT/sys/fs/selinux/enforce"
		printf 'SELINUX=enforcing\nSELINUXTYPE=targeted\n' >"$ROOT/etc/selinux/config"
	fi
	printf 'system_u:system_r:svirt_t:s0\nsystem_u:system_r:svirt_tcg_t:s0\n' \
		>"$ROOT/etc/selinux/targeted/contexts/virtual_domain_context"
	printf 'system_u:object_r:svirt_image_t:s0\nsystem_u:object_r:virt_content_t:s0\n' \
		>"$ROOT/etc/selinux/targeted/contexts/virtual_image_context"
	mkdir -p "$ROOT/usr/lib64" && : >"$ROOT/usr/lib64/libvirt.so.0.9000.0"
	: >"$ROOT/virtdiag-manifest.jsonl"
}

# listed PATH TYPE [LABEL [HEADER]]: a manifest line
listed() {
	printf '{"path":"%s","type":"%s","mode":"0644","uid":0,"gid":0,"size":1048576,"xattrs":{%s}%s}\n' "$1" "$2" \
		"${3:+\"security.selinux\":\"$3\"}" "${4:+,\"header_file\":\"$4\"}" \
		>>"$ROOT/virtdiag-manifest.jsonl"
}

# domain NAME DEVICES [SECLABEL]: a domain element
domain() {
	cat <<-X
		<domain type='kvm'><name>$1</name><uuid>11111111-2222-3333-4444-5555555555$(printf %02d $((RANDOM % 90 + 10)))</uuid>
		<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type>hvm</type></os>
		<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>$2</devices>${3:-}</domain>
	X
}
disk() { # disk PATH FORMAT TARGET [MORE]
	echo "<disk type='file' device='disk'><driver name='qemu' type='$2'/><source file='$1'/><target dev='$3' bus='virtio'/>${4:-}</disk>"
}
define() { domain "$@" >"$ROOT/etc/libvirt/qemu/$1.xml"; }
# running NAME DEVICES CATEGORIES
running() {
	{
		echo "<domstatus state='running' reason='booted' pid='4711'>"
		domain "$1" "$2" "<seclabel type='dynamic' model='selinux' relabel='yes'>
			<label>system_u:system_r:svirt_t:s0:$3</label>
			<imagelabel>system_u:object_r:svirt_image_t:s0:$3</imagelabel></seclabel>" | sed "s/<domain /<domain id='1' /"
		echo '</domstatus>'
	} >"$ROOT/run/libvirt/qemu/$1.xml"
}
# row N KEY: of the JSON in $output
row() { jq -r ".files[$1].$2" <<<"$output"; }

IMG=system_u:object_r:svirt_image_t:s0
CON=system_u:object_r:virt_content_t:s0

@test "selinux check: healthy captured host -> every file ok, exit 0" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" --json selinux check g1 web01 db01
	[ "$(jq -r '[.files[].status] | unique | join(" ")' <<<"$output")" = ok ]
	[ "$(jq -r '.status' <<<"$output")" = ok ]
	same "$(jq -r '.files[] | "\(.guest) \(.role) \(.target) \(.path)"' <<<"$output")" \
"g1 disk vda /var/lib/libvirt/images/g1.qcow2
g1 backing vda[1] /var/lib/libvirt/images/base.qcow2
g1 disk vdb /var/lib/libvirt/images/ro.iso
g1 disk vdc /var/lib/libvirt/images/shared.img
web01 disk vda /var/lib/libvirt/images/web01.qcow2
web01 backing vda[1] /srv/base/f42.qcow2
db01 disk vda /var/lib/libvirt/images/db01.raw"
}

@test "selinux check: backing file moved out of a home directory -> wrong, why, fix, undo, exit 1" {
	run -1 --separate-stderr vd --root "$HOSTS/faulty-backing" selinux check web01
	[ -z "$stderr" ]
	same "$output" "$(cat "$BATS_TEST_DIRNAME/data/selinux/faulty-backing.txt")"
}

@test "selinux check: the same as JSON -> reason id and argument vectors" {
	run -1 --separate-stderr vd --root "$HOSTS/faulty-backing" --json selinux check web01
	[ "$(jq -r .status <<<"$output")" = problems ]
	same "$(jq -c '.files[1] | [.status,.role,.target,.expected,.actual,.path,.reason_id]' <<<"$output")" \
		"[\"wrong\",\"backing\",\"vda[1]\",\"$CON\",\"system_u:object_r:user_home_t:s0\",\"/srv/base/f42.qcow2\",\"user-home\"]"
	same "$(jq -c '.files[1].fix[0].command' <<<"$output")" \
		'["chcon","-t","virt_content_t","-l","s0","--","/srv/base/f42.qcow2"]'
	same "$(jq -c '.files[1].fix[0].undo' <<<"$output")" \
		'["chcon","-t","user_home_t","-l","s0","--","/srv/base/f42.qcow2"]'
}

@test "selinux check: shut-off guest -> judged by its next start, categories at start" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" --json selinux check db01
	[ "$(row 0 expected)" = "$IMG" ]
	[ "$(row 0 categories)" = at-start ]
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" selinux check db01
	has "$output" "svirt_image_t:s0:(new)"
}

@test "selinux check: categories of another guest -> wrong, category" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file "$IMG:c3,c4"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = wrong ]
	[ "$(row 0 reason_id)" = category ]
	same "$(jq -c '.files[0].fix[0].command' <<<"$output")" '["chcon","-t","svirt_image_t","-l","s0:c1,c2","--","/img/a.raw"]'
}

@test "selinux check: no categories on a writable image -> differs, exit 0, 1 with --strict" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file "$IMG"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = differs ]
	run -1 --separate-stderr vd --root "$ROOT" --strict --json selinux check a
}

@test "selinux check: the policy's default put back while running -> wrong, relabelled" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file system_u:object_r:virt_image_t:s0
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 reason_id)" = relabelled ]
}

@test "selinux check: categories in another order and user by hand -> ok" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file "unconfined_u:object_r:svirt_image_t:s0:c2,c1"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = ok ]
}

@test "selinux check: permissive host -> differs, not wrong" {
	host 0
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file system_u:object_r:user_home_t:s0
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = differs ]
	[ "$(row 0 reason_id)" = permissive ]
}

@test "selinux check: SELinux off -> labels unknown or unlabelled, expected still shown, exit 3" {
	host off
	define a "$(disk /img/a.raw raw vda)$(disk /img/b.raw raw vdb)"
	listed /img/a.raw file
	listed /img/b.raw file "$CON"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = unlabelled ]
	[ "$(row 1 status)" = unknown ]
	[ "$(jq -r .status <<<"$output")" = unknown ]
	run -3 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "SELinux is not active on this host"
}

@test "selinux check: SELinux off, guest running without a label -> the same, not untouched" {
	host off
	{
		echo "<domstatus state='running' reason='booted' pid='4711'>"
		domain a "$(disk /img/a.raw raw vda)$(disk /img/b.raw raw vdb)" | sed "s/<domain /<domain id='1' /"
		echo '</domstatus>'
	} >"$ROOT/run/libvirt/qemu/a.xml"
	listed /img/a.raw file
	listed /img/b.raw file "$CON"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(jq -r '.files[] | "\(.status) \(.expected) \(.categories)"' <<<"$output")" "unlabelled $IMG at-start
unknown $IMG at-start"
	run -3 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "not confined by SELinux"
	has "$output" "SELinux is not active on this host"
}

@test "selinux check: a missing image counts also where SELinux is off -> exit 1" {
	host off
	define a "$(disk /img/a.raw raw vda)"
	listed /img/a.raw missing
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = missing ]
	[ "$(row 0 reason_id)" = missing ]
}

@test "selinux check: missing image with startupPolicy optional -> missing, exit 0" {
	host 1
	define a "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/img/x.iso' startupPolicy='optional'/><target dev='sda' bus='sata'/><readonly/></disk>"
	listed /img/x.iso missing
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = missing ]
}

@test "selinux check: a directory where an image should be -> broken, exit 1" {
	host 1
	define a "$(disk /img/dir raw vda)"
	listed /img/dir dir "$IMG"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = broken ]
}

@test "selinux check: image that the capture does not list -> unknown, exit 3, never ok" {
	host 1
	define a "$(disk /img/a.raw raw vda)"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = unknown ]
	[ "$(row 0 reason_id)" = no-evidence ]
}

@test "selinux check: static label without relabelling on a foreign file -> wrong, category" {
	host 1
	define a "$(disk /img/a.raw raw vda)" "<seclabel type='static' model='selinux' relabel='no'><label>system_u:system_r:svirt_t:s0:c7,c8</label></seclabel>"
	listed /img/a.raw file "$IMG:c5,c6"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = wrong ]
	[ "$(row 0 reason_id)" = category ]
	[ "$(row 0 expected)" = null ]
}

@test "selinux check: static label without relabelling, labelled by hand -> untouched, exit 0" {
	host 1
	define a "$(disk /img/a.raw raw vda)" "<seclabel type='static' model='selinux' relabel='no'><label>system_u:system_r:svirt_t:s0:c7,c8</label></seclabel>"
	listed /img/a.raw file "$IMG:c7,c8"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = untouched ]
}

@test "selinux check: shut-off guest, image of a home directory -> unknown: may the daemon read it? never ok" {
	host 1
	define a "$(disk /img/a.raw raw vda)"
	listed /img/a.raw file system_u:object_r:user_home_t:s0
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = unknown ]
}

@test "selinux check: network disk -> untouched, exit 0" {
	host 1
	define a "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='export'><host name='h' port='10809'/></source><target dev='vda' bus='virtio'/></disk>"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 status)" = untouched ]
}

@test "selinux check: --xml and --categories -> the labels that a start would set" {
	host 1
	domain new "$(disk /img/a.raw raw vda)$(disk /img/b.iso raw vdb '<readonly/>')$(disk /img/c.raw raw vdc '<shareable/>')" >"$BATS_TEST_TMPDIR/new.xml"
	for f in a.raw b.iso c.raw; do listed "/img/$f" file system_u:object_r:virt_image_t:s0; done
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check --xml "$BATS_TEST_TMPDIR/new.xml" --categories c111,c222
	same "$(jq -r '.files[].expected' <<<"$output")" "$IMG:c111,c222
$CON
$IMG"
}

@test "selinux check: --xml of a file that is not there, that is no XML, that is no domain -> 3 with the reason" {
	host 1
	run -3 --separate-stderr vd --root "$ROOT" selinux check --xml "$BATS_TEST_TMPDIR/none.xml"
	has "$stderr" "No such file"
	echo 'not xml' >"$BATS_TEST_TMPDIR/bad.xml"
	run -3 --separate-stderr vd --root "$ROOT" selinux check --xml "$BATS_TEST_TMPDIR/bad.xml"
	has "$stderr" "bad.xml:1"
	echo '<network/>' >"$BATS_TEST_TMPDIR/net.xml"
	run -3 --separate-stderr vd --root "$ROOT" selinux check --xml "$BATS_TEST_TMPDIR/net.xml"
	has "$stderr" "net.xml"
}

@test "selinux check: unknown guest -> exit 3 and a suggestion; --all with a guest -> usage" {
	run -3 --separate-stderr vd --root "$HOSTS/selinux-healthy" selinux check wep01
	has "$stderr" "web01"
	run -2 --separate-stderr vd --root "$HOSTS/selinux-healthy" selinux check --all web01
}

@test "selinux check: path with control bytes -> escaped in text, no shell line, exact in JSON" {
	host 1
	running a "$(disk '/img/a&#9;b.raw' raw vda)" c1,c2
	listed '/img/a\tb.raw' file system_u:object_r:user_home_t:s0
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" '/img/a\tb.raw'
	hasnt "$output" $'\t'
	has "$output" "take the argument vector from --json"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ "$(row 0 path)" = $'/img/a\tb.raw' ]
}

@test "selinux check: broken XML of one guest -> named with line, the others are checked" {
	host 1
	define good "$(disk /img/a.raw raw vda)"
	listed /img/a.raw file "$IMG"
	printf '<domain type="kvm">\n<name>bad</name\n' >"$ROOT/etc/libvirt/qemu/bad.xml"
	run -3 --separate-stderr vd --root "$ROOT" selinux check
	has "$output" "good  qemu  shut off"
	has "$stderr" "bad.xml"
}

@test "selinux check: container -> no host file is relabelled, exit 0" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" --json selinux check c1
	[ "$(jq -r '[.files[] | select(.expected != null)] | length' <<<"$output")" = 0 ]
}
