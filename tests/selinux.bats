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
	printf 'root:x:0:0:root:/root:/bin/sh\nqemu:x:107:107:QEMU:/:/sbin/nologin\n' >"$ROOT/etc/passwd"
	printf 'root:x:0:\nqemu:x:107:\nkvm:x:36:qemu\n' >"$ROOT/etc/group"
}

# directories PATH: a manifest line for each directory on the way
directories() {
	local dir=${1%/*}
	while :; do
		grep -qF "\"path\":\"${dir:-/}\"," "$ROOT/virtdiag-manifest.jsonl" ||
			printf '{"path":"%s","type":"dir","mode":"0755","uid":0,"gid":0}\n' "${dir:-/}" >>"$ROOT/virtdiag-manifest.jsonl"
		[ -n "$dir" ] || break
		dir=${dir%/*}
	done
}
# listed PATH TYPE [LABEL [HEADER]]: a manifest line, with its directories
listed() {
	directories "$1"
	printf '{"path":"%s","type":"%s","mode":"0644","uid":107,"gid":107,"size":1048576,"xattrs":{%s}%s}\n' "$1" "$2" \
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

@test "selinux check: missing image with startupPolicy -> missing; optional 0, requisite 1: a start needs it" {
	local policy
	host 1
	listed /img/x.iso missing
	for policy in optional:0 requisite:1; do
		define a "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/img/x.iso' startupPolicy='${policy%:*}'/><target dev='sda' bus='sata'/><readonly/></disk>"
		run "-${policy#*:}" --separate-stderr vd --root "$ROOT" --json selinux check a
		same "$policy $(row 0 status)" "$policy missing"
	done
}

@test "selinux check: --categories that libvirt would not draw -> usage; for a guest that runs -> its own count" {
	local word
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file "$IMG:c1,c2"
	for word in foo '' c1024,c1 'c1,' c1,c1 s0:c1,c2 c1,c2,c3 c1.c3 c-1,c2 'c 1,c2' c1,c+2; do
		run -2 --separate-stderr vd --root "$ROOT" selinux check --categories "$word" a
		has "$stderr" "c12,c345"
	done
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check --categories c5,c6 a
	same "$(row 0 status) $(row 0 expected)" "ok $IMG:c1,c2"
	has "$stderr" "a runs and has its categories"
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

# rules LINE...: the policy's file contexts at $ROOT, a path and a context each
rules() {
	mkdir -p "$ROOT/etc/selinux/targeted/contexts/files"
	printf '%s\n' "$@" >"$ROOT/etc/selinux/targeted/contexts/files/file_contexts"
}

@test "selinux check: what restorecon would do to a wrong label -> told from the policy's file contexts" {
	host 1
	running a "$(disk /srv/a.raw raw vda)$(disk /iso/a.iso raw vdb '<readonly/>')$(disk /none/b.iso raw vdc '<readonly/>')$(disk /old/c.raw raw vdd)" c1,c2
	listed /srv/a.raw file system_u:object_r:user_home_t:s0
	listed /iso/a.iso file system_u:object_r:default_t:s0
	listed /none/b.iso file system_u:object_r:tmp_t:s0
	listed /old/c.raw file system_u:object_r:var_t:s0
	rules '/.* system_u:object_r:default_t:s0' '/srv(/.*)? system_u:object_r:var_t:s0' \
		'/iso/.*\.iso -- system_u:object_r:virt_content_t:s0' '/none(/.*)? <<none>>'
	echo '/old /srv' >"$ROOT/etc/selinux/targeted/contexts/files/file_contexts.subs"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	[ -z "$stderr" ]
	same "$(jq -r '.files[] | [.target, .status, .reason_id, .default // "-"] | join(" ")' <<<"$output")" \
		"vda wrong user-home system_u:object_r:var_t:s0
vdb wrong type system_u:object_r:virt_content_t:s0
vdc wrong type -
vdd wrong relabelled system_u:object_r:var_t:s0"
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "  not   restorecon (would set var_t:s0), setenforce 0"
	has "$output" "  or    restorecon -F -- /iso/a.iso     also does: the policy has virt_content_t:s0 for it"
	has "$output" "  not   restorecon (the policy has no label for it), setenforce 0"
	hasnt "$output" "semanage fcontext -a -t virt_content_t -- '/iso"
}

@test "selinux check: file contexts that are a FIFO, a link out of the root, no rules, or broken -> nothing is said of restorecon's label" {
	host 1
	running a "$(disk /srv/a.raw raw vda)" c1,c2
	listed /srv/a.raw file system_u:object_r:user_home_t:s0
	rules
	local files=$ROOT/etc/selinux/targeted/contexts/files
	mkfifo "$files/file_contexts.bin" "$files/file_contexts.local.bin"
	local make
	for make in "mkfifo $files/file_contexts" "ln -s /etc/selinux/default/contexts/files/file_contexts $files/file_contexts" \
		"cp /bin/true $files/file_contexts" "mkdir $files/file_contexts"; do
		rm -rf "$files/file_contexts"
		$make
		run -1 --separate-stderr timeout 20 "$VIRTDIAG" --root "$ROOT" --json selinux check a
		[ -z "$stderr" ]
		same "$(row 0 default)" null
		run -1 --separate-stderr vd --root "$ROOT" selinux check a
		has "$output" "not   restorecon (it puts the policy's default back), setenforce 0"
	done
}

@test "selinux check: container -> no host file is relabelled, exit 0" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" --json selinux check c1
	[ "$(jq -r '[.files[] | select(.expected != null)] | length' <<<"$output")" = 0 ]
}

# marked PATH LABEL XATTRS: a manifest line of a file with further attributes
marked() {
	directories "$1"
	printf '{"path":"%s","type":"file","mode":"0600","uid":107,"gid":107,"size":1048576,"xattrs":{"security.selinux":"%s",%s}}\n' \
		"$1" "$2" "$3" >>"$ROOT/virtdiag-manifest.jsonl"
}
# noted USERS STAMP: the attributes in which libvirt remembers an owner
noted() {
	printf '"trusted.libvirt.security.selinux":"system_u:object_r:virt_image_t:s0",'
	printf '"trusted.libvirt.security.ref_selinux":"%s","trusted.libvirt.security.timestamp_selinux":"%s"' "$1" "$2"
}
booted() { # booted SECONDS
	mkdir -p "$ROOT/proc"
	printf 'cpu 1 2 3\nbtime %s\n' "$1" >"$ROOT/proc/stat"
}

@test "selinux check: two running guests write to one image -> wrong on both, shared-rw, each names the other" {
	host 1
	running a "$(disk /img/x.raw raw vda)" c1,c2
	running b "$(disk /img/x.raw raw vdb)" c3,c4
	listed /img/x.raw file "$IMG:c3,c4"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check
	same "$(jq -c '.files[] | [.guest, .status, .reason_id, .used_by, .fix]' <<<"$output")" \
		'["a","wrong","shared-rw",["b"],[]]
["b","wrong","shared-rw",["a"],[]]'
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "b (running, as vdb) writes to it too"
	has "$output" "Also used by: b (running)"
	has "$output" "not   relabelling it"
}

@test "selinux check: the image of a running guest is also that of one that is shut off -> differs on both, exit 0" {
	host 1
	running a "$(disk /img/x.raw raw vda)" c1,c2
	define b "$(disk /img/../img/x.raw raw vda)"
	mkdir -p "$ROOT/img" && : >"$ROOT/img/x.raw"
	listed /img/x.raw file "$IMG:c1,c2"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check
	same "$(jq -c '.files[] | [.guest, .status, .reason_id]' <<<"$output")" '["a","differs","shared-rw"]
["b","differs","shared-rw"]'
	run -1 --separate-stderr vd --root "$ROOT" --strict --json selinux check
}

@test "selinux check: a shareable disk of two running guests -> ok" {
	host 1
	running a "$(disk /img/x.raw raw vda '<shareable/>')" c1,c2
	running b "$(disk /img/x.raw raw vda '<shareable/>')" c3,c4
	listed /img/x.raw file "$IMG"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check
	same "$(jq -r '[.files[].status] | unique | join(" ")' <<<"$output")" ok
}

@test "selinux check: a running guest writes to the backing file of another -> wrong on both" {
	host 1
	local path
	mkdir -p "$ROOT/img"
	for path in /var/lib/libvirt/images/web01.qcow2 /srv/base/f42.qcow2; do
		cp "$HOSTS/faulty-backing/$(jq -r --arg p $path 'select(.path == $p) | .header_file' \
			"$HOSTS/faulty-backing/virtdiag-manifest.jsonl")" "$ROOT/img/${path##*/}.header"
	done
	running a "$(disk /img/top.qcow2 qcow2 vda)" c1,c2
	running b "$(disk /srv/base/f42.qcow2 raw vda)" c3,c4
	listed /img/top.qcow2 file "$IMG:c1,c2" img/web01.qcow2.header
	listed /srv/base/f42.qcow2 file "$CON" img/f42.qcow2.header
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check
	same "$(jq -c '.files[] | [.guest, .target, .status, .reason_id]' <<<"$output")" '["a","vda","ok",null]
["a","vda[1]","wrong","shared-rw"]
["b","vda","wrong","shared-rw"]'
	# a template that is shut off is no danger to those who have it as their base
	rm "$ROOT/run/libvirt/qemu/b.xml"
	define b "$(disk /srv/base/f42.qcow2 raw vda)"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check b
	same "$(row 0 status) $(row 0 reason_id)" "differs shared-rw"
}

@test "selinux check: two running guests with the same categories -> isolation, exit 1, also as JSON" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	running b "$(disk /img/b.raw raw vda)" c2,c1
	running c "$(disk /img/c.raw raw vda)" c1,c3
	for g in a b; do listed /img/$g.raw file "$IMG:c1,c2"; done
	listed /img/c.raw file "$IMG:c1,c3"
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "isolation: b (running) has the same categories"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a b
	same "$(jq -c '.guests[] | [.guest, .same_categories_as]' <<<"$output")" '["a","b"]
["b","a"]'
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check c
	same "$(jq -c '.guests[0].same_categories_as' <<<"$output")" null
}

@test "selinux check: libvirt still counts a user of a file that no guest runs with -> wrong, stale-xattr, with its undo" {
	host 1
	booted 1700000000
	define a "$(disk /img/a.raw raw vda)"
	marked /img/a.raw "$IMG:c1,c2" "$(noted 1 1700000001)"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason_id)" "wrong stale-xattr"
	same "$(jq -c '.files[0].fix[] | .command' <<<"$output")" \
		'["setfattr","-x","trusted.libvirt.security.ref_selinux","--","/img/a.raw"]
["setfattr","-x","trusted.libvirt.security.selinux","--","/img/a.raw"]
["setfattr","-x","trusted.libvirt.security.timestamp_selinux","--","/img/a.raw"]'
	same "$(jq -c '.files[0].fix[0].undo' <<<"$output")" \
		'["setfattr","-n","trusted.libvirt.security.ref_selinux","-v","1","--","/img/a.raw"]'
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "already in use"
	# a static label that is there already is what the next start wants: not refused
	define a "$(disk /img/a.raw raw vda)" "<seclabel type='static' model='selinux' relabel='yes'><label>system_u:system_r:svirt_t:s0:c1,c2</label></seclabel>"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason_id)" "differs stale-xattr"
}

@test "selinux check: libvirt's note is of another boot -> differs; of no known boot -> unknown; not remembered -> ok" {
	host 1
	booted 1700009999
	define a "$(disk /img/a.raw raw vda)"
	marked /img/a.raw "$IMG:c1,c2" "$(noted 1 1700000001)"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason_id)" "differs stale-xattr"
	rm "$ROOT/proc/stat"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason_id)" "unknown stale-xattr"
	echo 'remember_owner = 0' >"$ROOT/etc/libvirt/qemu.conf"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status)" ok
}

@test "selinux check: libvirt counts more users than guests run -> differs; as many -> ok" {
	host 1
	booted 1700000000
	running a "$(disk /img/a.raw raw vda)" c1,c2
	sed -i 's|<domain |<rememberOwner/>&|' "$ROOT/run/libvirt/qemu/a.xml"
	marked /img/a.raw "$IMG:c1,c2" "$(noted 1 1700000000)"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status)" ok
	: >"$ROOT/virtdiag-manifest.jsonl"
	marked /img/a.raw "$IMG:c1,c2" "$(noted 2 1700000000)"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason_id)" "differs stale-xattr"
}

@test "selinux check: a deleted or replaced image that the guest still has open, in a capture -> wrong, replaced" {
	host 1
	running a "$(disk /img/a.raw raw vda)$(disk /img/b.raw raw vdb)$(disk /img/c.raw raw vdc)" c1,c2
	mkdir -p "$ROOT/proc/4711/fd"
	ln -s '/img/a.raw (deleted)' "$ROOT/proc/4711/fd/12"
	ln -s '/img/b.raw (deleted)' "$ROOT/proc/4711/fd/13"
	ln -s /img/c.raw "$ROOT/proc/4711/fd/14"
	ln -s 'socket:[1234]' "$ROOT/proc/4711/fd/15"
	listed /img/a.raw file "$IMG:c1,c2"
	listed /img/b.raw missing
	listed /img/c.raw file "$IMG:c1,c2"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(jq -r '.files[] | "\(.target) \(.status) \(.reason_id)"' <<<"$output")" "vda wrong replaced
vdb wrong replaced
vdc ok null"
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "descriptor 12"
	has "$output" "it was deleted while the guest runs"
	has "$output" "not   stopping the guest"
	has "$output" "open files"
}

@test "selinux check: a migration goes on -> labels of the other host are unknown, never wrong" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	sed -i "s|<domain |<job type='none' async='migration in' phase='prepare'/>&|" "$ROOT/run/libvirt/qemu/a.xml"
	listed /img/a.raw file "$IMG:c3,c4"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason_id)" "unknown no-evidence"
	has "$(row 0 reason)" "incoming migration"
	same "$(jq -r '.guests[0].migration' <<<"$output")" incoming
}

@test "selinux check: host with AppArmor -> named, with profile and mode of the guest; existence still judged" {
	host off
	mkdir -p "$ROOT/sys/module/apparmor/parameters" "$ROOT/proc/4711/attr/apparmor"
	echo Y >"$ROOT/sys/module/apparmor/parameters/enabled"
	printf 'libvirt-11111111-2222-3333-4444-555555555510 (enforce)\n' >"$ROOT/proc/4711/attr/apparmor/current"
	echo 'security_driver = "apparmor"' >"$ROOT/etc/libvirt/qemu.conf"
	{
		echo "<domstatus state='running' reason='booted' pid='4711'>"
		domain a "$(disk /img/a.raw raw vda)" "<seclabel type='dynamic' model='apparmor' relabel='yes'>
			<label>libvirt-11111111-2222-3333-4444-555555555510</label></seclabel>" | sed "s/<domain /<domain id='1' /"
		echo '</domstatus>'
	} >"$ROOT/run/libvirt/qemu/a.xml"
	listed /img/a.raw missing
	run -1 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "AppArmor libvirt-11111111-2222-3333-4444-555555555510 (enforce)"
	has "$output" "SELinux off/targeted, AppArmor on, driver apparmor"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(jq -r '.guests[0] | "\(.apparmor_profile) \(.apparmor_mode)"' <<<"$output")" \
		"libvirt-11111111-2222-3333-4444-555555555510 enforce"
	# without its /proc the mode stands in the list of loaded profiles
	rm -r "$ROOT/proc/4711"
	mkdir -p "$ROOT/sys/kernel/security/apparmor"
	printf 'libvirtd (enforce)\nlibvirt-11111111-2222-3333-4444-555555555510 (complain)\n' >"$ROOT/sys/kernel/security/apparmor/profiles"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(jq -r '.guests[0].apparmor_mode' <<<"$output")" complain
}

# daemon CONTEXT EXE LABEL CGROUP: libvirtd runs so
daemon() {
	mkdir -p "$ROOT/run" "$ROOT/proc/99/attr"
	echo 99 >"$ROOT/run/libvirtd.pid"
	printf '%s\0' "$1" >"$ROOT/proc/99/attr/current"
	ln -sfn "$2" "$ROOT/proc/99/exe"
	printf '0::%s\n' "$4" >"$ROOT/proc/99/cgroup"
	listed "$2" file "$3"
}

@test "selinux check: the daemon's binary lacks its label -> named, with chcon and a restart of its unit" {
	host 1
	daemon system_u:system_r:initrc_t:s0 /usr/sbin/libvirtd system_u:object_r:bin_t:s0 /system.slice/libvirtd.service
	run -1 --separate-stderr vd --root "$ROOT" selinux check
	has "$output" "daemon: /usr/sbin/libvirtd"
	has "$output" "runs in initrc_t, not in virtd_t"
	has "$output" "now   chcon -t virtd_exec_t -l s0 -- /usr/sbin/libvirtd"
	has "$output" "systemctl restart libvirtd"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check
	same "$(jq -c '.daemon | [.name, .pid, .context, .fix[0].undo]' <<<"$output")" \
		'["libvirtd",99,"system_u:system_r:initrc_t:s0",["chcon","-t","bin_t","-l","s0","--","/usr/sbin/libvirtd"]]'
}

@test "selinux check: the daemon was started by hand -> named, with runcon; in its domain -> nothing" {
	host 1
	daemon unconfined_u:unconfined_r:unconfined_t:s0 /usr/sbin/libvirtd system_u:object_r:virtd_exec_t:s0 /user.slice
	run -1 --separate-stderr vd --root "$ROOT" selinux check
	has "$output" "because it was started by hand"
	has "$output" "now   kill 99"
	has "$output" "runcon system_u:system_r:virtd_t:s0-s0:c0.c1023 /usr/sbin/libvirtd -d"
	listed /run/systemd/system dir
	run -1 --separate-stderr vd --root "$ROOT" selinux check
	has "$output" "systemd-run -- /usr/sbin/libvirtd "
	printf 'system_u:system_r:virtd_t:s0-s0:c0.c1023\0' >"$ROOT/proc/99/attr/current"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check
	same "$(jq -c .daemon <<<"$output")" null
}

@test "selinux check: label of the next start and what the end does -> NEXT and AFTER" {
	host 1
	running a "$(disk /img/a.raw raw vda)$(disk /img/b.iso raw vdb '<readonly/>')" c1,c2
	listed /img/a.raw file "$IMG:c1,c2"
	listed /img/b.iso file "$CON"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(jq -r '.files[] | "\(.next) \(.after)"' <<<"$output")" "$IMG remembered
$CON kept"
	run -0 --separate-stderr vd --root "$ROOT" selinux check -o NEXT,AFTER,PATH a
	has "$output" "remembered"
}

@test "selinux check --fix --dry-run: the label of the using guest's libvirt, never the policy's; the report stays that of the check" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file system_u:object_r:virt_image_t:s0
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check --fix --dry-run a
	same "$(jq -c '.dry_run, .changes' <<<"$output")" \
		'true
[{"guest":"a","done":false,"old":"system_u:object_r:virt_image_t:s0","new":"'$IMG':c1,c2","target":"/img/a.raw","attribute":"security.selinux","why":null,"backup":null,"undo":["chcon","-t","virt_image_t","-l","s0","--","/img/a.raw"]}]'
	[ "$(row 0 status)" = wrong ]
	run -1 --separate-stderr vd --root "$ROOT" selinux check --fix --dry-run a
	has "$output" "would chcon -t svirt_image_t -l s0:c1,c2 -- /img/a.raw"
}

@test "selinux check --fix --dry-run: two running guests that disagree about the label -> refused, with the reason" {
	host 1
	running a "$(disk /img/x.raw raw vda)" c1,c2
	running b "$(disk /img/x.raw raw vda '<readonly/>')" c3,c4
	running c "$(disk /img/y.raw raw vda)" c5,c6
	listed /img/x.raw file system_u:object_r:user_home_t:s0
	listed /img/y.raw file "$IMG"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check --fix --dry-run
	# what two guests write is no matter of labels: nothing is even planned for it
	same "$(jq -c '.changes[] | [.guest, .new]' <<<"$output")" '["c","'$IMG':c5,c6"]'
	# shareable ones do not clash over the data, only over the label
	running a "$(disk /img/x.raw raw vda '<shareable/>')" c1,c2
	running b "$(disk /img/x.raw raw vda '<shareable/><readonly/>' | sed "s|<source file='/img/x.raw'/>|<source file='/img/x.raw'><seclabel model='selinux'><label>system_u:object_r:own_t:s0</label></seclabel></source>|")" c3,c4
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check --fix --dry-run a
	has "$(jq -r '.changes[0].why' <<<"$output")" "b (running) uses it too and needs system_u:object_r:own_t:s0"
	run -1 --separate-stderr vd --root "$ROOT" selinux check --fix --dry-run a
	has "$output" "left  /img/x.raw: b (running)"
}

@test "selinux check --fix --dry-run: a file that a running guest uses and libvirt does not label -> left alone, also a wrong one" {
	host 1
	running a "$(disk /img/a.raw raw vda)<filesystem type='mount'><source dir='/img'/><target dir='x'/></filesystem>" c1,c2
	sed -i 's|<os>|<os><loader readonly="yes" type="pflash">/fw/code.fd</loader>|' "$ROOT/run/libvirt/qemu/a.xml"
	listed /img/a.raw file "$IMG:c1,c2"
	listed /fw/code.fd file system_u:object_r:user_home_t:s0
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check --fix --dry-run a
	same "$(jq -r '.files[] | select(.path == "/fw/code.fd") | .status' <<<"$output")" wrong
	same "$(jq -r '.changes[] | [.target, .why] | join(" ")' <<<"$output")" "/fw/code.fd a runs with it, and libvirt does not set this label"
	# its next start may have it
	define a "$(disk /img/a.raw raw vda)"
	sed -i 's|<os>|<os><loader readonly="yes" type="pflash">/fw/code.fd</loader>|' "$ROOT/etc/libvirt/qemu/a.xml"
	rm "$ROOT/run/libvirt/qemu/a.xml"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check --fix --dry-run a
	same "$(jq -r '.changes[] | [.target, .new, .why // "-"] | join(" ")' <<<"$output")" "/fw/code.fd system_u:object_r:virt_content_t:s0 -"
}

@test "selinux check --fix: a capture, --pid, --xml, and --dry-run alone -> usage" {
	host 1
	run -2 --separate-stderr vd --root "$ROOT" selinux check --fix
	has "$stderr" "this machine only"
	run -2 --separate-stderr vd --root "$ROOT" selinux check --dry-run
	has "$stderr" "--fix"
	run -2 --separate-stderr vd --root "$ROOT" selinux check --fix --dry-run --xml /dev/null
	run -2 --separate-stderr vd --root "$ROOT" selinux check --fix --dry-run --categories c1,c2
	run -2 --separate-stderr vd --pid "$BASHPID" selinux check --fix
}

@test "selinux check: leftovers of a snapshot -> differs and explained; without categories -> differs, with the fix" {
	host 1
	running a "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/img/snap.qcow2'/>
		<backingStore type='file'><format type='raw'/><source file='/img/old.raw'/><backingStore/></backingStore>
		<target dev='vda' bus='virtio'/></disk>$(disk /img/b.raw raw vdb)" c1,c2
	listed /img/snap.qcow2 file "$IMG:c1,c2"
	listed /img/old.raw file "$IMG:c2,c1"
	listed /img/b.raw file "$IMG"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(jq -r '.files[] | "\(.target) \(.status)"' <<<"$output")" "vda ok
vda[1] differs
vdb differs"
	has "$(row 1 reason)" "left from before a snapshot"
	same "$(jq -c '.files[2].fix[0].command' <<<"$output")" '["chcon","-t","svirt_image_t","-l","s0:c1,c2","--","/img/b.raw"]'
}

@test "selinux check: guest's memory on huge pages and in files -> its own directories, by its short name, on each mount" {
	local name=aaaaaaaaaaaaaaaaaaäbcdef short=1-aaaaaaaaaaaaaaaaaaäb
	host 1
	running $name "" c1,c2
	sed -i "s|<devices>|<memoryBacking><hugepages/></memoryBacking>&|" "$ROOT/run/libvirt/qemu/$name.xml"
	mkdir -p "$ROOT/proc/self"
	printf '%s\n' "1 0 8:1 / / rw - ext4 /dev/sda1 rw" "2 1 0:20 / /dev/hugepages rw - hugetlbfs hugetlbfs rw,pagesize=2M" \
		"3 1 0:21 / /mnt/1g rw - hugetlbfs none rw,pagesize=1024M" >"$ROOT/proc/self/mountinfo"
	listed "/dev/hugepages/libvirt/qemu/$short" dir "$IMG:c1,c2"
	listed "/mnt/1g/libvirt/qemu/$short" dir "$IMG:c3,c4"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check $name
	same "$(jq -r '.files[] | select(.target == "hugepages") | "\(.status) \(.path)"' <<<"$output")" \
		"ok /dev/hugepages/libvirt/qemu/$short
wrong /mnt/1g/libvirt/qemu/$short"
	# qemu.conf names one
	echo 'hugetlbfs_mount = "/dev/hugepages"' >"$ROOT/etc/libvirt/qemu.conf"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check $name
	same "$(jq -r '.files[] | select(.target == "hugepages") | .path' <<<"$output")" "/dev/hugepages/libvirt/qemu/$short"
	# files: the directory of qemu.conf
	echo 'memory_backing_dir = "/mnt/ram"' >"$ROOT/etc/libvirt/qemu.conf"
	sed -i "s|<hugepages/>|<source type='file'/>|" "$ROOT/run/libvirt/qemu/$name.xml"
	listed "/mnt/ram/$short" dir "$IMG:c1,c2"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check $name
	same "$(jq -r '.files[] | select(.role == "memory") | "\(.status) \(.path)"' <<<"$output")" "ok /mnt/ram/$short"
}

@test "selinux check: what is not known is not said to be ok -> no mount table, no files, SELinux not known" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	running none "" c3,c4
	listed /img/a.raw file "$IMG:c1,c2"
	run -0 --separate-stderr vd --root "$ROOT" selinux check a
	has "$output" "1 file: 1 ok. Directories, ACLs: ok."
	has "$stderr" "no mount table"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(jq -r '.missing[] | .what' <<<"$output")" mounts
	mkdir -p "$ROOT/proc/self"
	echo "1 0 8:1 / / rw - ext4 /dev/sda1 rw" >"$ROOT/proc/self/mountinfo"
	run -0 --separate-stderr vd --root "$ROOT" selinux check a none
	has "$output" "1 file: 1 ok. Directories, ACLs, mounts: ok."
	same "${lines[-1]}" "No files."
	same "$stderr" ""
	# a guest whose labels nobody can judge says why, also when it has no file to say it of
	rm -r "$ROOT/sys" "$ROOT/etc/selinux"
	sed -i -z 's|<seclabel.*</seclabel>||' "$ROOT/run/libvirt/qemu/none.xml"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check none
	has "$(jq -r '.missing[] | .why' <<<"$output")" "nothing tells whether SELinux is active"
}

@test "selinux check: image whose label was not captured, next start -> unknown, exit 3" {
	host 1
	define a "$(disk /img/a.raw raw vda)"
	listed /img/a.raw file
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason_id)" "unknown no-evidence"
	has "$(row 0 reason)" "the capture has no label of it"
}

@test "selinux check: device node in a capture without /dev -> unknown, not missing; with /dev -> missing" {
	host 1
	running a "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/vg/a'/><target dev='vda' bus='virtio'/></disk>" c1,c2
	rm "$ROOT/virtdiag-manifest.jsonl"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status) $(row 0 reason)" "unknown the capture has no /dev"
	mkdir "$ROOT/dev"
	run -1 --separate-stderr vd --root "$ROOT" --json selinux check a
	same "$(row 0 status)" missing
}

@test "selinux check: contexts files of the policy that cannot be read -> said, exit 3: the usual labels may be others here" {
	host 1
	running a "$(disk /img/a.raw raw vda)" c1,c2
	listed /img/a.raw file "$IMG:c1,c2"
	chmod 000 "$ROOT/etc/selinux/targeted/contexts/virtual_image_context"
	run -3 --separate-stderr as_nobody --root "$ROOT" --json selinux check a
	chmod 644 "$ROOT/etc/selinux/targeted/contexts/virtual_image_context"
	has "$(jq -r '.missing[].why' <<<"$output")" "virtual_image_context"
}
