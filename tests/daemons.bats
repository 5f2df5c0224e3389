#!/usr/bin/env bats
# Protects `virtdiag daemons`, `filters show` and `outputs show` on built trees: state and mode from files and captured
# processes, and which of the places that set a daemon's logging counts.
# shellcheck disable=SC2154

load helpers

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	mkdir -p "$ROOT"/{etc/libvirt,etc/systemd/system,run/libvirt,usr/sbin,usr/lib/systemd/system,proc}
	printf 'cpu 0\nbtime 1700000000\n' >"$ROOT/proc/stat"
}

# installed NAME...: program and units
installed() {
	local name
	for name; do
		touch "$ROOT/usr/sbin/$name"
		printf '[Service]\nExecStart=/usr/sbin/%s $ARGS\n[Install]\nWantedBy=multi-user.target\n' "$name" \
			>"$ROOT/usr/lib/systemd/system/$name.service"
		printf '[Socket]\n[Install]\nWantedBy=sockets.target\n' >"$ROOT/usr/lib/systemd/system/$name.socket"
	done
}
# enabled UNIT...
enabled() {
	local unit
	for unit; do
		mkdir -p "$ROOT/etc/systemd/system/${unit##*.}s.target.wants"
		ln -s "/usr/lib/systemd/system/$unit" "$ROOT/etc/systemd/system/${unit##*.}s.target.wants/$unit"
	done
}
# running NAME PID [ARG...]: its process, started 100 seconds after the boot
running() {
	local name=$1 pid=$2 dir=$ROOT/proc/$2
	shift 2
	mkdir -p "$dir/attr"
	echo "$pid" >"$ROOT/run/$name.pid"
	echo "$pid ($name) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 10000 0 0" >"$dir/stat"
	printf 'Name:\t%s\nUid:\t0\t0\t0\t0\nNSpid:\t%s\n' "$name" "$pid" >"$dir/status"
	printf '%s\0' "/usr/sbin/$name" "$@" >"$dir/cmdline"
	printf 'PATH=/bin\0' >"$dir/environ"
	printf 'system_u:system_r:%s_t:s0\n' "$name" >"$dir/attr/current"
	ln -s "/usr/sbin/$name" "$dir/exe"
}
d() {
	vd --root "$ROOT" daemons "$@"
}
# rows EXPR: of the last JSON daemons
rows() {
	json ".daemons[] | [.daemon, $1] | map(tostring) | join(\" \")"
}

@test "no libvirt -> none" {
	touch "$ROOT/usr/sbin/init"
	run -0 --separate-stderr d
	same "$output" 'none: no libvirt daemon is here'
	run -0 --separate-stderr d --json
	same "$(json '[.mode, .daemons] | @json')" '["none",[]]'
}

@test "a capture that does not show it -> unknown and exit 3, not none" {
	run -3 --separate-stderr d
	same "$output" 'unknown: the capture does not tell which libvirt daemons are here'
	has "$stderr" 'not examined: daemons: the capture holds neither programs nor units'
	run -3 --separate-stderr vd --root "$ROOT" filters show
	same "$output" ''
	run -3 --separate-stderr vd --root "$HOSTS/v2-systemd-selinux" daemons --json
	same "$(json '[.status, .mode, .missing[0].what] | @json')" '["unknown","unknown","daemons"]'
	run -3 --separate-stderr vd --root "$HOSTS/selinux-denials" daemons
	same "${lines[0]}" 'unknown: the capture does not tell which libvirt daemons are here'
	same "${lines[2]%% *} ${lines[3]%% *}" 'libvirtd virtlogd'
	touch "$ROOT/usr/sbin/init"
	run -0 --separate-stderr vd --root "$ROOT" filters show
	same "$output" 'no daemons'
	printf '{"path":"/etc/hostname","type":"file"}\n' >"$ROOT/virtdiag-manifest.jsonl"
	run -3 --separate-stderr d
	printf '{"path":"/usr/sbin/%s","type":"missing"}\n' libvirtd virtqemud >"$ROOT/virtdiag-manifest.jsonl"
	run -0 --separate-stderr d --json
	same "$(json .mode)" none
}

@test "modular: running, waiting, stopped -> states, units, contexts" {
	installed virtqemud virtlogd virtlxcd
	enabled virtqemud.service virtqemud.socket virtlxcd.socket
	ln -s /dev/null "$ROOT/etc/systemd/system/virtlogd.socket"
	printf '[Service]\n[Install]\nAlso=virtlogd.socket\n' >"$ROOT/usr/lib/systemd/system/virtlogd.service"
	running virtqemud 4711 --timeout 120
	mkdir "$ROOT/proc/net"
	printf 'Num RefCount Protocol Flags Type St Inode Path\n%s\n%s\n' \
		'0000000000000000: 00000002 00000000 00010000 0001 01 999 /run/libvirt/virtlxcd-sock' \
		'0000000000000000: 00000002 00000000 00000000 0001 03 998 /run/libvirt/virtlogd-sock' >"$ROOT/proc/net/unix"
	run -0 --separate-stderr d
	same "$output" "$(
		cat <<-'X'
			modular: each driver has its own daemon

			DAEMON     STATE     PID  SINCE                 ENABLED   SOCKET   CONTEXT                           FLAGS
			virtlogd   stopped     -  -                     indirect  masked   -                                 -
			virtlxcd   waiting     -  -                     disabled  enabled  -                                 -
			virtqemud  running  4711  2023-11-14 22:15:00Z  enabled   enabled  system_u:system_r:virtqemud_t:s0  -
		X
	)"
	run -0 --separate-stderr d --json
	same "$(json '.daemons[2] | [.timeout, .binary, .uri] | @json')" '[120,"/usr/sbin/virtqemud","virtqemud:///system"]'
}

@test "deleted program and library, version of the loaded library -> flags, with --strict 1" {
	installed libvirtd
	running libvirtd 5 -d
	ln -sfn '/usr/sbin/libvirtd (deleted)' "$ROOT/proc/5/exe"
	echo '7f00 r-xp 0 08:01 1 /usr/lib/libvirt.so.0.8006.1 (deleted)' >"$ROOT/proc/5/maps"
	run -0 --separate-stderr d --json
	same "$(json .mode)" monolithic
	same "$(rows '.version, .binary, .flags')" 'libvirtd 8.6.1 /usr/sbin/libvirtd ["deleted-binary","deleted-library"]'
	run -1 --separate-stderr d --strict
	has "$output" 'warning: libvirtd still runs the program from before an upgrade'
}

@test "both kinds in use -> mixed, a warning; both only installed -> mixed without one" {
	installed libvirtd virtqemud
	run -0 --separate-stderr d --strict
	has "$output" 'mixed: libvirtd and modular daemons; installed, but neither enabled nor running'
	enabled virtqemud.socket
	run -0 --separate-stderr d --json --strict
	same "$(json .mode)" modular
	running libvirtd 7
	run -1 --separate-stderr d --strict
	has "$output" 'warning: libvirtd and virtqemud are both in use'
}

@test "a capture without processes and pid files -> unknown and missing, not stopped" {
	installed virtqemud
	rm -r "$ROOT/run"
	run -0 --separate-stderr d --json
	same "$(rows .state)" 'virtqemud unknown'
	same "$(json '.missing[0].what')" virtqemud
	mkdir "$ROOT/run"
	run -0 --separate-stderr d --json
	same "$(rows .state)" 'virtqemud stopped'
	echo 99 >"$ROOT/run/virtqemud.pid"
	run -0 --separate-stderr d --json
	same "$(rows .state)" 'virtqemud unknown'
	printf '{"path":"/etc/hostname","type":"file"}\n' >"$ROOT/virtdiag-manifest.jsonl"
	rm "$ROOT/run/virtqemud.pid"
	run -0 --separate-stderr d --json
	same "$(rows .state)" 'virtqemud unknown'
	printf '{"path":"/run/virtqemud.pid","type":"missing"}\n' >"$ROOT/virtdiag-manifest.jsonl"
	run -0 --separate-stderr d --json
	same "$(rows .state)" 'virtqemud stopped'
}

@test "processes of containers, of users and of other programs -> not this host's daemon" {
	installed virtqemud
	running virtqemud 20
	printf 'Name:\tvirtqemud\nUid:\t0\t0\t0\t0\nNSpid:\t20\t1\n' >"$ROOT/proc/20/status"
	run -0 --separate-stderr d --json
	same "$(rows '.state, .pid, .flags')" $'virtqemud unknown null []\nvirtqemud running 20 ["elsewhere"]'
	printf 'Name:\tvirtqemud\nUid:\t1000\t1000\t0\t0\nNSpid:\t20\n' >"$ROOT/proc/20/status"
	run -0 --separate-stderr d --json
	same "$(rows '.state, .pid')" 'virtqemud unknown null'
	printf 'Name:\tvirtqemud\nUid:\t0\t0\t0\t0\nNSpid:\t20\n' >"$ROOT/proc/20/status"
	ln -sfn /usr/bin/sleep "$ROOT/proc/20/exe"
	run -0 --separate-stderr d --json
	same "$(rows '.state, .pid')" 'virtqemud unknown null'
}

@test "configuration edited after the start, by the manifest -> conf-newer" {
	installed virtqemud
	running virtqemud 30
	echo 'log_level = 1' >"$ROOT/etc/libvirt/virtqemud.conf"
	printf '{"path":"/etc/libvirt/virtqemud.conf","type":"file","mtime":%s}\n' 1700000200 >"$ROOT/virtdiag-manifest.jsonl"
	run -0 --separate-stderr d --json
	same "$(rows .flags)" 'virtqemud ["conf-newer"]'
	run -1 --separate-stderr vd --root "$ROOT" filters show --strict --json
	same "$(json '.settings[] | [.source, .setting, .value, .applies] | @json')" \
		'["conf","level","1",["next"]]
["built-in","filters","",["next"]]'
	printf '{"path":"/etc/libvirt/virtqemud.conf","type":"file","mtime":%s}\n' 1700000100 >"$ROOT/virtdiag-manifest.jsonl"
	run -0 --separate-stderr d --json
	same "$(rows .flags)" 'virtqemud []'
}

@test "session: the daemons of a user" {
	echo 'joe:x:1000:1000::/home/joe:/bin/sh' >"$ROOT/etc/passwd"
	mkdir -p "$ROOT"/home/joe/.config/libvirt "$ROOT/run/user/1000/libvirt"
	echo 'log_filters = "1:qemu"' >"$ROOT/home/joe/.config/libvirt/virtqemud.conf"
	running virtqemud 40
	mv "$ROOT/run/virtqemud.pid" "$ROOT/run/user/1000/libvirt/"
	printf 'Name:\tvirtqemud\nUid:\t1000\t1000\t0\t0\nNSpid:\t40\n' >"$ROOT/proc/40/status"
	run -0 --separate-stderr vd --root "$ROOT" --session=joe daemons --json
	same "$(rows '.pid, .conf, .uri')" \
		'virtqemud 40 /home/joe/.config/libvirt/virtqemud.conf virtqemud:///session'
	run -3 --separate-stderr vd --root "$ROOT" --session=nobody daemons
}

# --- show -----------------------------------------------------------------------------------------------------------

@test "show: nothing set -> built in" {
	installed virtqemud
	run -0 --separate-stderr vd --root "$ROOT" outputs show
	same "$output" "$(
		cat <<-'X'
			DAEMON     SETTING  APPLIES  SOURCE    VALUE       VALID  WHERE
			virtqemud  outputs  next     built-in  3:journald  yes    -
		X
	)"
}

@test "show: each place -> what counts now and after the next start" {
	installed virtqemud
	running virtqemud 50 -v
	printf '# log_filters = "9:comment"\nlog_filters = "1:first"\nlog_filters = "1:second"\nlog_level = 4\nlog_outputs = "1:stderr"\n' \
		>"$ROOT/etc/libvirt/virtqemud.conf"
	printf 'LIBVIRT_LOG_FILTERS=1:qemu\0LIBVIRT_LOG_OUTPUTS=\0LIBVIRT_DEBUG=error\0' >"$ROOT/proc/50/environ"
	mkdir "$ROOT/etc/systemd/system/virtqemud.service.d" "$ROOT/etc/default"
	printf '[Service]\nEnvironment="LIBVIRT_LOG_FILTERS=1:a 1:b" X=1\nEnvironmentFile=-/etc/default/virtqemud\n' \
		>"$ROOT/etc/systemd/system/virtqemud.service.d/log.conf"
	printf '# c\nLIBVIRT_LOG_OUTPUTS="1:file:/tmp/x 3:journald"\n' >"$ROOT/etc/default/virtqemud"
	run -0 --separate-stderr vd --root "$ROOT" filters show --json
	same "$(json '.settings[] | [.setting, .source, .value, (.applies | join(" ")), .path, .line] | @json')" "$(
		cat <<-'X'
			["level","command-line","2","now","/proc/50/cmdline",null]
			["level","environment","4","","/proc/50/environ",null]
			["level","conf","4","next","/etc/libvirt/virtqemud.conf",4]
			["filters","environment","1:qemu","now","/proc/50/environ",null]
			["filters","unit","1:a 1:b","next","/etc/systemd/system/virtqemud.service.d/log.conf",2]
			["filters","conf","1:first","","/etc/libvirt/virtqemud.conf",2]
		X
	)"
	run -0 --separate-stderr vd --root "$ROOT" outputs show --json
	same "$(json '.settings[] | [.source, .value, (.applies | join(" ")), .line] | @json')" "$(
		cat <<-'X'
			["environment","","",null]
			["unit","1:file:/tmp/x 3:journald","next",2]
			["conf","1:stderr","now",5]
		X
	)"
}

@test "show: a string that libvirt refuses -> problem; a silent mistake -> warning; a broken file -> not examined" {
	installed virtqemud
	echo 'log_filters = "1:qemu 9:x"' >"$ROOT/etc/libvirt/virtqemud.conf"
	run -1 --separate-stderr vd --root "$ROOT" filters show
	has "$output" "error: virtqemud: /etc/libvirt/virtqemud.conf:1: Invalid priority '9' for filter '9:x'"
	echo 'log_filters = 1' >"$ROOT/etc/libvirt/virtqemud.conf"
	run -1 --separate-stderr vd --root "$ROOT" filters show
	has "$output" "not a string in quotes"
	printf 'log_filters = "1:qemu"\nlog_outputs = "3:journald"\n' >"$ROOT/etc/libvirt/virtqemud.conf"
	run -1 --separate-stderr vd --root "$ROOT" filters show --strict
	has "$output" 'below-output'
	echo 'log_filters = 1:qemu' >"$ROOT/etc/libvirt/virtqemud.conf"
	run -3 --separate-stderr vd --root "$ROOT" filters show
	has "$stderr" '/etc/libvirt/virtqemud.conf:1:'
	hasnt "$output" 'next'
}

@test "show: a file that cannot be read -> unknown, and only what beats it is told" {
	installed libvirtd
	# Nobody can read a loop, root neither.
	ln -s libvirtd.conf "$ROOT/etc/libvirt/libvirtd.conf"
	run -3 --separate-stderr vd --root "$ROOT" filters show
	same "$output" "$(
		cat <<-'X'
			DAEMON    SETTING  APPLIES  SOURCE  VALUE    VALID  WHERE
			libvirtd  level    -        conf    unknown  -      /etc/libvirt/libvirtd.conf
			libvirtd  filters  -        conf    unknown  -      /etc/libvirt/libvirtd.conf
		X
	)"
	has "$stderr" '/etc/libvirt/libvirtd.conf'
	mkdir "$ROOT/etc/systemd/system/libvirtd.service.d"
	printf '[Service]\nEnvironment=LIBVIRT_LOG_FILTERS=1:a\n' >"$ROOT/etc/systemd/system/libvirtd.service.d/x.conf"
	run -3 --separate-stderr vd --root "$ROOT" filters show --json
	same "$(json '.settings[] | [.setting, .source, .value, .valid, (.applies | join(" "))] | @json')" \
		'["level","conf",null,null,""]
["filters","unit","1:a",true,"next"]
["filters","conf",null,null,""]'
}

@test "show: --config on the command line -> that file" {
	installed virtqemud
	running virtqemud 60 --config /etc/other.conf
	echo 'log_filters = "1:other"' >"$ROOT/etc/other.conf"
	run -0 --separate-stderr vd --root "$ROOT" filters show --json
	same "$(json '.settings[] | select(.source == "conf") | [.value, .path] | @json')" '["1:other","/etc/other.conf"]'
}

@test "show: an environment that is not in the capture -> what counts now is not known" {
	installed virtqemud
	running virtqemud 70
	rm "$ROOT/proc/70/environ"
	run -3 --separate-stderr vd --root "$ROOT" filters show --json
	same "$(json '[.settings[].applies[]] | unique | @json')" '["next"]'
	same "$(json '.missing[0].what')" /proc/70/environ
}

@test "show: a version with a ring buffer -> how to turn that off" {
	installed libvirtd
	run -0 --separate-stderr vd --root "$ROOT" filters show --libvirt 1.2.2
	has "$output" 'log_buffer_size = 0'
	run -0 --separate-stderr vd --root "$ROOT" filters show --libvirt 9.0.0
	hasnt "$output" log_buffer_size
}

@test "show: --live is for live hosts" {
	run -2 --separate-stderr vd --root "$ROOT" filters show --live
}
