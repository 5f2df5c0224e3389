#!/usr/bin/env bats
# Protects `virtdiag svirt`: what a host's files choose and what follows from it, and switching confinement off and on in
# the configuration of this user's session: byte by byte, at once or not at all, with all that hangs on the file. What the
# real daemon makes of each value is tried by tests/live/svirt.bats, systemd and SELinux by tests/vm/svirt.bats.
# shellcheck disable=SC2154

load helpers

setup_file() {
	cc -O1 -o "$BATS_FILE_TMPDIR/interrupt" "$BATS_TEST_DIRNAME/interrupt.c"
}

setup() {
	D=$BATS_TEST_TMPDIR
	mkdir -p "$D"/{bin,config/libvirt/qemu,run/libvirt}
	CONF=$D/config/libvirt/qemu.conf
}

teardown() {
	[ -z "${DAEMON-}" ] || kill "$DAEMON" 2>/dev/null || true
}

BEGIN='# virtdiag svirt disable: begin. `virtdiag svirt enable` takes this block out again.'
END='# virtdiag svirt disable: end'

# s ARGS...: virtdiag svirt, looking at the session that the test has made
s() {
	env -i PATH="$PATH" HOME="$D" TERM=dumb LC_ALL=C.UTF-8 COLUMNS=200 XDG_RUNTIME_DIR="$D/run" \
		XDG_CONFIG_HOME="$D/config" XDG_CACHE_HOME="$D/cache" ASAN_OPTIONS="${ASAN_OPTIONS-}" \
		UBSAN_OPTIONS="${UBSAN_OPTIONS-}" "$VIRTDIAG" --session svirt "$@"
}
# interrupt ARGS...: see interrupt.c; the leak checker does not work under a tracer
interrupt() {
	env -i PATH="$PATH" HOME="$D" TERM=dumb LC_ALL=C.UTF-8 COLUMNS=200 XDG_RUNTIME_DIR="$D/run" \
		XDG_CONFIG_HOME="$D/config" XDG_CACHE_HOME="$D/cache" ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		UBSAN_OPTIONS="${UBSAN_OPTIONS-}" "$BATS_FILE_TMPDIR/interrupt" "$@" -- "$VIRTDIAG" --session svirt disable
}
# conf TEXT: with the escapes of printf %b
conf() {
	printf '%b' "$1" >"$CONF"
	cp "$CONF" "$D/before"
}
# untouched: the file is as conf made it, and nothing is beside it
untouched() {
	cmp "$CONF" "$D/before"
	same "$(ls -A "$D/config/libvirt")" 'qemu
qemu.conf'
}
guest() {
	printf "<domain type='kvm'><name>%s</name><uuid>00000000-0000-0000-0000-0000000000%02d</uuid>%s</domain>" \
		"$1" "$2" "$3" >"$D/config/libvirt/qemu/$1.xml"
}
# a process that stands for the session's daemon
start_daemon() {
	cp "$(command -v sleep)" "$D/bin/virtqemud"
	"$D/bin/virtqemud" 600 </dev/null >/dev/null 2>&1 3>&- &
	DAEMON=$!
	disown
	until [ "$(cat "/proc/$DAEMON/comm")" = virtqemud ]; do sleep 0.02; done
	echo "$DAEMON" >"$D/run/libvirt/virtqemud.pid"
}

@test "status: captured host with SELinux -> both drivers, all that runs is confined" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" svirt status
	same "$(tr -s ' ' <<<"$output")" "host SELinux enforcing, AppArmor off

DRIVER CONFIGURED NEXT NOW CONFINED RUNNING REFUSED DAEMON FLAGS PATH
qemu probe selinux selinux 2 2 0 libvirtd - /etc/libvirt/qemu.conf
lxc probe selinux selinux 0 1 0 libvirtd - /etc/libvirt/lxc.conf"
	same "$stderr" ''
}

@test "status --json: what the file says, line by line" {
	conf '# x\nsecurity_driver = [ "none" ]\nsecurity_driver = "selinux"\nsecurity_default_confined = 0\n'
	run -0 --separate-stderr s status --json
	same "$(json '.drivers[0] | [.driver, .configured, .next, .now, .line, .default_confined, .require_confined, .path] | @json')" \
		"[\"qemu\",\"none\",\"none\",null,2,false,false,\"$CONF\"]"
	same "$(json '.drivers | length')" 1
	run -1 --separate-stderr s status --strict
	has "$output" 'warning: nothing keeps qemu guests apart that start now'
}

@test "status: values that keep a daemon from starting -> fails, with the reason" {
	local value
	while IFS='|' read -r value why; do
		conf "$value"
		run -1 --separate-stderr s status
		has "$output" 'fails'
		has "$output" "$why"
		run -1 --separate-stderr s status --json
		same "$(json '.drivers[0].next')" fails
	done <<-'X'
		security_driver = ""|there is no security driver ""
		security_driver = "dac"|it is always there
		security_driver = "selinux, apparmor"|there is no security driver
		security_driver = 1|expected a string list
		security_driver = [ "none", "none" ]|duplicate
		security_driver = "none"\nsecurity_require_confined = 1|line 2: security_require_confined
		security_require_confined = "1"|expected a bool
		security_driver = none|expecting a value
	X
}

@test "status: a guest that names a model which is not there -> refused, exit 1" {
	conf 'security_driver = "none"\n'
	guest web 1 "<seclabel type='dynamic' model='selinux'/>"
	guest free 2 "<seclabel type='dynamic'/>"
	guest disk 3 "<devices><disk type='file'><source file='/x'><seclabel model='apparmor' relabel='no'/></source><target dev='vda'/></disk></devices>"
	run -1 --separate-stderr s status
	has "$output" 'refused: web will not start: its XML names the model selinux'
	has "$output" 'refused: disk will not start: its XML names the model apparmor'
	hasnt "$output" free
	run -1 --separate-stderr s status --json
	same "$(json '.drivers[0].guests[] | [.guest, .refused_model] | @json')" '["disk","apparmor"]
["free",null]
["web","selinux"]'
}

@test "disable, enable: the page, the file in between, the old bytes" {
	conf 'a = 1\n# why\nsecurity_driver = [] # c\nb = 2\n'
	run -0 --separate-stderr s disable
	local backup
	backup=$(ls "$CONF".*.bak)
	same "$(tr -s ' ' <<<"$output")" "DRIVER OLD NEW DONE DAEMON RESTART TARGET
qemu probe none written $(s status -nro DAEMON) not needed $CONF

backup $backup
$(grep '^note .* does not run\|^note .* not installed' <<<"$(tr -s ' ' <<<"$output")")
undo virtdiag --session svirt enable
note guests that start from then on are not kept apart by SELinux or AppArmor; those that run keep their label"
	same "$(cat "$CONF")" "a = 1
# why
$BEGIN
security_driver = \"none\"
#was: security_driver = [] # c
$END
b = 2"
	cmp "$backup" "$D/before"
	run -0 --separate-stderr s disable --json
	same "$(json '.changes[0] | [.done, .old, .new, .backup, .diff, .undo] | @json')" '["unchanged","none","none",null,null,null]'
	run -0 --separate-stderr s enable
	cmp "$CONF" "$D/before"
	run -0 --separate-stderr s enable --json
	same "$(json '.changes[0].done')" unchanged
}

@test "disable, enable: every form of file comes back byte by byte" {
	local text
	while IFS= read -r text; do
		conf "$text"
		run -0 --separate-stderr s disable
		same "$(s status -nro CONFIGURED)" none
		run -0 --separate-stderr s enable
		cmp "$CONF" "$D/before"
	done <<-'X'
		a = 1
		a = 1\n
		a = 1\r\nsecurity_driver = []\r\nb = 2\r\n
		security_driver = [\n\n]\n
		security_driver = []
		#security_driver = "selinux"\n\n#b\n
		a = 1; security_driver = []; b = 2\n
		x = """\nsecurity_driver = "selinux"\n"""\nsecurity_driver = [] # y\n
		security_driver = []\nsecurity_driver = "none"\n
	X
	: >"$CONF"
	run -0 --separate-stderr s disable
	run -0 --separate-stderr s enable
	[ ! -s "$CONF" ]
}

@test "disable, enable: no file -> one is made, and empty again" {
	run -0 --separate-stderr s disable --json
	same "$(json '.changes[0] | [.done, .old, .new, .backup] | @json')" '["written","probe","none",null]'
	same "$(cat "$CONF")" "$BEGIN
security_driver = \"none\"
$END"
	run -0 --separate-stderr s enable
	[ -e "$CONF" ]
	[ ! -s "$CONF" ]
}

@test "enable: edits made elsewhere in the file stay" {
	conf 'a = 1\nsecurity_driver = []\n'
	run -0 --separate-stderr s disable
	sed -i 's/a = 1/a = 2/; $a b = 3' "$CONF"
	run -0 --separate-stderr s enable
	same "$(cat "$CONF")" 'a = 2
security_driver = []
b = 3'
}

@test "enable: a block that somebody edited -> refused, nothing changed" {
	conf 'a = 1\n'
	run -0 --separate-stderr s disable
	sed -i 's/"none"/[ "none" ]/' "$CONF"
	cp "$CONF" "$D/edited"
	run -3 --separate-stderr s enable
	has "$stderr" "$CONF:2: the block of \`svirt disable\` was edited since"
	cmp "$CONF" "$D/edited"
}

@test "enable: none that somebody else wrote -> a comment; the undo puts it back" {
	conf 'security_driver = "none" # by hand\nb = 2\n'
	run -0 --separate-stderr s enable --json
	same "$(cat "$CONF")" '#security_driver = "none" # by hand
b = 2'
	mapfile -t undo < <(json '.changes[0].undo[]')
	"${undo[@]}"
	cmp "$CONF" "$D/before"
}

@test "disable --dry-run, enable --dry-run: the difference, nothing changed" {
	conf 'a = 1\nsecurity_driver = []\n'
	run -0 --separate-stderr s disable --dry-run
	has "$output" "--- $CONF
+++ $CONF
@@ -1,2 +1,5 @@
 a = 1
-security_driver = []
+$BEGIN
+security_driver = \"none\"
+#was: security_driver = []
+$END"
	has "$output" 'not yet'
	untouched
	run -0 --separate-stderr s enable --dry-run
	untouched
}

@test "disable: what would keep the daemon from starting -> refused before anything is written" {
	conf 'a = 1\nsecurity_require_confined = 1\n'
	run -3 --separate-stderr s disable
	has "$stderr" "$CONF:2: security_require_confined = 1"
	untouched
	conf 'a = \n'
	run -3 --separate-stderr s disable
	has "$stderr" "$CONF:1: expecting a value"
	untouched
	conf 'security_default_confined = 5\n'
	run -3 --separate-stderr s disable
	has "$stderr" 'must be 0 or 1'
	untouched
}

@test "enable: an old value that no daemon takes -> refused, with the reason" {
	conf 'security_driver = ""\n'
	run -0 --separate-stderr s disable
	cp "$CONF" "$D/off"
	run -3 --separate-stderr s enable
	has "$stderr" 'there is no security driver ""'
	cmp "$CONF" "$D/off"
}

@test "disable: guests that will not start then -> named before the file is written" {
	guest web 1 "<seclabel type='none' model='apparmor'/>"
	printf 'libvirtd (enforce)\n' >"$D/profiles"
	mkdir -p "$D"/root/{etc/libvirt/qemu,sys/kernel/security/apparmor}
	cp "$D/profiles" "$D/root/sys/kernel/security/apparmor/profiles"
	cp "$D/config/libvirt/qemu/web.xml" "$D/root/etc/libvirt/qemu/"
	: >"$D/root/etc/libvirt/qemu.conf"
	echo 'security_driver = "none"' >"$D/root/etc/libvirt/lxc.conf"
	run -0 --separate-stderr vd --root "$D/root" svirt status
	has "$output" 'host   SELinux off, AppArmor on'
	has "$(tr -s ' ' <<<"$output")" 'qemu probe apparmor'
	run -0 --separate-stderr vd --root "$D/root" svirt disable --dry-run
	has "$stderr" 'guest web: its XML names the security model apparmor: it will not start'
	run -0 --separate-stderr vd --root "$D/root" svirt disable --dry-run --json
	same "$(json '.changes[] | [.driver, .done, .guests] | @json')" \
		'["qemu","not yet",[{"guest":"web","state":"shut off","model":"apparmor"}]]
["lxc","unchanged",[]]'
}

@test "disable: a captured host -> only with --dry-run" {
	run -2 --separate-stderr vd --root "$HOSTS/selinux-healthy" svirt disable
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" svirt disable --dry-run --driver lxc --json
	same "$(json '.changes[] | [.driver, .old, .new, .done] | @json')" '["lxc","probe","none","not yet"]'
	run -2 --separate-stderr s disable --driver lxc
	run -2 --separate-stderr s disable --driver xen
}

@test "disable --dry-run: a captured host -> the daemon that it shows, and not that it is not installed" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-denials" svirt disable --dry-run --json
	same "$(json '.changes[] | [.driver, .daemon, .restart] | @json')" '["qemu","libvirtd","needed"]
["lxc","libvirtd","needed"]'
	run -0 --separate-stderr vd --root "$HOSTS/selinux-denials" svirt disable --dry-run
	has "$output" 'next    restart libvirtd'
	hasnt "$output" 'not installed'
	mkdir -p "$D/root/etc/libvirt"
	run -0 --separate-stderr vd --root "$D/root" svirt disable --dry-run --driver qemu
	has "$output" 'next    restart the daemon that reads /etc/libvirt/qemu.conf, libvirtd or virtqemud: the capture does not show which'
	hasnt "$output" 'not installed'
	run -0 --separate-stderr vd --root "$D/root" svirt disable --dry-run --driver qemu --json
	same "$(json '.changes[0] | [.daemon, .restart] | @json')" '[null,"needed"]'
	run --separate-stderr vd --root "$D/root" svirt status --json
	same "$(json '.drivers[0].daemon')" null
}

@test "disable: mode, ACL, attributes and symlink are kept, other names are told" {
	conf 'a = 1\n'
	mv "$CONF" "$D/real.conf"
	ln -s "$D/real.conf" "$CONF"
	ln "$D/real.conf" "$D/second.conf"
	chmod 640 "$D/real.conf"
	setfattr -n user.note -v kept "$D/real.conf"
	run -0 --separate-stderr s disable
	has "$stderr" "has 2 names: the others keep the old file"
	[ -L "$CONF" ]
	same "$(stat -c '%a %u' "$D/real.conf")" "640 $(id -u)"
	same "$(getfattr --absolute-names --only-values -n user.note "$D/real.conf")" kept
	has "$(cat "$D/real.conf")" 'security_driver = "none"'
	cmp "$D/second.conf" "$D/before"
	run -0 --separate-stderr s enable
	cmp "$D/real.conf" "$D/before"
	same "$(stat -c %a "$D/real.conf")" 640
}

@test "disable: edited by someone else in the middle -> their edit stays, exit 3" {
	local call
	for call in fchmod linkat renameat2; do
		conf 'a = 1\n'
		run -3 --separate-stderr interrupt at "$call" "echo b = 2 >>'$CONF'"
		has "$stderr" 'was changed by someone else meanwhile; nothing was changed'
		same "$(cat "$CONF")" 'a = 1
b = 2'
		same "$(ls -A "$D/config/libvirt")" 'qemu
qemu.conf'
	done
}

@test "disable: killed at any system call -> the old file or the new one" {
	conf 'a = 1\nsecurity_driver = []\nb = 2\n'
	run -0 --separate-stderr s disable
	cp "$CONF" "$D/after"
	run -0 --separate-stderr interrupt kill "$CONF" "$D/before" "$D/after"
	echo "# $output"
	run -0 --separate-stderr s enable
	cmp "$CONF" "$D/before"
}

@test "disable: on the disk before it has the name, the name too before it is done" {
	conf 'a = 1\n'
	run -0 --separate-stderr interrupt list
	same "$output" 'fchmod
fsync
linkat
renameat2
fsync'
}

@test "disable --restart: a session's daemon is ended; its next client starts it" {
	start_daemon
	conf 'a = 1\n'
	touch -d '1 hour ago' "$CONF"
	run -0 --separate-stderr s disable --json
	same "$(json '.changes[0] | [.daemon, .restart, .command] | @json')" "[\"virtqemud\",\"needed\",[\"kill\",\"--\",\"$DAEMON\"]]"
	kill -0 "$DAEMON"
	run -0 --separate-stderr s enable --restart --json
	same "$(json '.changes[0] | [.done, .restart] | @json')" '["written","done"]'
	run kill -0 "$DAEMON"
	[ "$status" -ne 0 ] || grep -q '^State:.Z' "/proc/$DAEMON/status"
	run -0 --separate-stderr s disable --restart --json
	same "$(json '.changes[0] | [.done, .restart] | @json')" '["written","not needed"]'
}

@test "disable: a file that may not be written -> exit 3, nothing left" {
	if [ "$(id -u)" -eq 0 ]; then
		run -3 --separate-stderr vd --session=daemon-that-is-not-there svirt disable
		has "$stderr" daemon-that-is-not-there
	else
		conf 'a = 1\n'
		chmod 500 "$D/config/libvirt"
		run -3 --separate-stderr s disable
		chmod 700 "$D/config/libvirt"
		untouched
	fi
}
