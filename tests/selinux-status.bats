#!/usr/bin/env bats
# Protects `virtdiag selinux status`: what decides how guests are confined, on captured hosts and on trees made here.
# shellcheck disable=SC2030,SC2031 # variables of one test are meant for it alone

load helpers

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
}
# host ENFORCE CONFIGURED: an empty SELinux host at $ROOT
host() {
	mkdir -p "$ROOT"/etc/libvirt "$ROOT"/sys/fs/selinux/booleans "$ROOT"/etc/selinux/targeted/contexts "$ROOT/usr/lib64"
	printf '%s' "$1" >"$ROOT/sys/fs/selinux/enforce"
	printf '# comment\nSELINUX=%s\nSELINUXTYPE=targeted\n' "$2" >"$ROOT/etc/selinux/config"
	echo 'system_u:system_r:svirt_t:s0' >"$ROOT/etc/selinux/targeted/contexts/virtual_domain_context"
	printf 'system_u:object_r:svirt_image_t:s0\nsystem_u:object_r:virt_content_t:s0\n' \
		>"$ROOT/etc/selinux/targeted/contexts/virtual_image_context"
	: >"$ROOT/usr/lib64/libvirt.so.0.9000.0"
	: >"$ROOT/etc/libvirt/qemu.conf"
}
# daemon NAME PID CONTEXT BINARY LABEL: a daemon that runs
daemon() {
	mkdir -p "$ROOT/run" "$ROOT/proc/$2/attr" "$ROOT${4%/*}"
	echo "$2" >"$ROOT/run/$1.pid"
	printf '%s\0' "$4" >"$ROOT/proc/$2/cmdline"
	printf '%s' "$3" >"$ROOT/proc/$2/attr/current"
	printf '%s (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 60000 0 0\n' "$2" "$1" >"$ROOT/proc/$2/stat"
	printf 'Name:\t%s\nUid:\t0\t0\t0\t0\n' "$1" >"$ROOT/proc/$2/status"
	printf '%s\n' "$1" >"$ROOT/proc/$2/comm"
	ln -sf "$4" "$ROOT/proc/$2/exe"
	: >"$ROOT$4"
	printf '{"path":"%s","type":"file","mode":"0755","uid":0,"gid":0,"size":1,"xattrs":{"security.selinux":"%s"}}\n' \
		"$4" "$5" >>"$ROOT/virtdiag-manifest.jsonl"
}
item() { # item ITEM [NAME]: its row
	jq -r --arg i "$1" --arg n "${2:-}" '.items[] | select(.item == $i and ($n == "" or .name == $n)) |
		[.status, .value, .expected] | map(tostring) | join(" ")' <<<"$output"
}

@test "selinux status: healthy captured host -> mode, policy, drivers and the daemon's domain, exit 0" {
	run -0 --separate-stderr vd --root "$HOSTS/selinux-healthy" --json selinux status
	same "$(item mode) | $(item policy) | $(item daemon libvirtd)" \
		"ok enforcing null | info default null | ok system_u:system_r:virtd_t:s0 virtd_t"
	same "$(item driver qemu)" "ok selinux (found by itself) null"
	same "$(json '.status')" ok
	same "$stderr" ""
}

@test "selinux status: permissive now, enforcing configured -> warnings; --strict makes them count" {
	host 0 enforcing
	run -0 --separate-stderr vd --root "$ROOT" selinux status
	has "$output" "only recorded"
	has "$output" "config says enforcing"
	run -1 --separate-stderr vd --root "$ROOT" selinux status --strict
	host 1 enforcing
	run -0 --separate-stderr vd --root "$ROOT" selinux status --strict
}

@test "selinux status: SELinux off -> the answer is off, exit 0; nothing tells -> unknown, exit 3" {
	host 1 disabled
	rm -r "$ROOT/sys"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(item mode)" "info off null"
	rm -r "$ROOT/etc/selinux"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(item mode)" "unknown unknown null"
	same "$(json '.status')" unknown
}

@test "selinux status: only the configuration is left -> the mode that ran is unknown and the file is named, exit 3" {
	host 1 enforcing
	rm -r "$ROOT/sys"
	run -3 --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(item mode)" "unknown unknown enforcing"
	same "$(json '.items[] | select(.item == "mode") | .path')" /etc/selinux/config
	same "$(json '.status')" unknown
	run -3 --separate-stderr vd --root "$ROOT" selinux status
	hasnt "$output" sys/fs/selinux
	has "$output" "unknown: mode: no file tells the mode that was running"
	host 1 enforcing
	chmod 000 "$ROOT/sys"
	run -3 --separate-stderr as_nobody --root "$ROOT" --json selinux status
	chmod 755 "$ROOT/sys"
	same "$(item mode)" "unknown unknown enforcing"
	has "$(json '.missing[] | select(.what == "mode") | .why')" /sys/fs/selinux/enforce
}

@test "selinux status: the file that tells the mode is named, whichever it is" {
	host 0 enforcing
	run -0 --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(json '.items[0].path')" /sys/fs/selinux/enforce
	rm -r "$ROOT/sys/fs"
	mkdir -p "$ROOT/sys/kernel/security"
	printf 'lockdown,capability,apparmor' >"$ROOT/sys/kernel/security/lsm"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(item mode) $(json '.items[0].path')" "info off null /sys/kernel/security/lsm"
	mkdir -p "$ROOT/sos_commands/selinux"
	printf 'SELinux status:  enabled\nCurrent mode:  enforcing\n' >"$ROOT/sos_commands/selinux/sestatus"
	run --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(item mode) $(json '.items[0].path')" "ok enforcing null /sos_commands/selinux"
}

@test "selinux status: contexts files that must not be read -> unknown with the reason, exit 3, never missing" {
	host 1 enforcing
	local all=$ROOT/etc/selinux/targeted/contexts
	chmod 000 "$all"
	run -3 --separate-stderr as_nobody --root "$ROOT" --json selinux status
	same "$(item policy)" "unknown targeted null"
	has "$(json '.missing[].why')" /etc/selinux/targeted/contexts
	has "$(json '.missing[].why')" "Permission denied"
	chmod 755 "$all"
	chmod 000 "$all/virtual_domain_context"
	run -3 --separate-stderr as_nobody --root "$ROOT" selinux status
	hasnt "$output$stderr" missing
	has "$stderr" /etc/selinux/targeted/contexts/virtual_domain_context
	has "$stderr" "Permission denied"
	rm "$all/virtual_domain_context"
	run -1 --separate-stderr as_nobody --root "$ROOT" selinux status
	has "$output" "virtual_domain_context: libvirt's SELinux driver does not start without it"
}

@test "selinux status: libvirtd started by hand, binary without its label -> wrong, with what mends it" {
	host 1 enforcing
	daemon libvirtd 500 unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 /usr/sbin/libvirtd system_u:object_r:bin_t:s0
	run -1 --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(item daemon libvirtd)" "wrong unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 virtd_t"
	same "$(item binary libvirtd)" "wrong system_u:object_r:bin_t:s0 virtd_exec_t"
	same "$(json '.items[] | select(.item == "daemon") | .fix[0].command | join(" ")')" \
		"chcon -t virtd_exec_t -l s0 -- /usr/sbin/libvirtd"
	same "$(json '.items[] | select(.item == "binary") | .fix[0].command | join(" ")')" "restorecon -Fv -- /usr/sbin/libvirtd"
	run -1 --separate-stderr vd --root "$ROOT" selinux status
	has "$output" "wrong: daemon libvirtd:"
	has "$output" "now   chcon -t virtd_exec_t -l s0 -- /usr/sbin/libvirtd"
}

@test "selinux status: virtlogd in a domain of nobody -> wrong; in its own -> ok" {
	host 1 enforcing
	daemon virtlogd 501 system_u:system_r:initrc_t:s0 /usr/sbin/virtlogd system_u:object_r:virtlogd_exec_t:s0
	run -1 --separate-stderr vd --root "$ROOT" --json selinux status
	has "$(item daemon virtlogd)" "wrong system_u:system_r:initrc_t:s0"
	printf 'system_u:system_r:virtlogd_t:s0' >"$ROOT/proc/501/attr/current"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux status
	has "$(item daemon virtlogd)" "ok system_u:system_r:virtlogd_t:s0"
	same "$(item binary virtlogd)" "ok system_u:object_r:virtlogd_exec_t:s0 null"
}

@test "selinux status: permissive domains of the policy store, booleans, a locked policy" {
	host 1 enforcing
	mkdir -p "$ROOT"/var/lib/selinux/targeted/active/modules/{100,400}/{permissive_svirt_t,base}
	echo '1 1' >"$ROOT/sys/fs/selinux/booleans/virt_use_nfs"
	echo '0 1' >"$ROOT/sys/fs/selinux/booleans/virt_use_usb"
	echo '1 1' >"$ROOT/sys/fs/selinux/booleans/secure_mode_policyload"
	echo '1 1' >"$ROOT/sys/fs/selinux/booleans/httpd_execmem"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux status
	same "$(item permissive)" "warning by a module null"
	same "$(json '.items[] | select(.item == "permissive") | .fix[0].command | join(" ")')" \
		"virtdiag selinux enforcing --domain svirt_t"
	same "$(json '.items[] | select(.item == "boolean") | .name + "=" + .value')" "secure_mode_policyload=on
virt_use_nfs=on
virt_use_usb=off"
}

@test "selinux status: driver switched off in qemu.conf while SELinux is on -> warning" {
	host 1 enforcing
	echo 'security_driver = "none"' >"$ROOT/etc/libvirt/qemu.conf"
	run -0 --separate-stderr vd --root "$ROOT" --json selinux status
	has "$(item driver qemu)" "warning not selinux (configured)"
}

@test "selinux status: this machine -> a document, whatever it has" {
	run --separate-stderr vd --json selinux status
	[ "$status" -le 3 ] && [ "$status" -ne 2 ]
	[[ "$(item mode)" =~ (enforcing|permissive|off|unknown) ]]
}
