#!/usr/bin/env bats
# `filters apply`, `reset` and `show --live` with real daemons and the real virt-admin.
load helpers

teardown() {
	timeout 30 virt-admin -q -c libvirtd:///system daemon-log-filters --filters '' || libvirtd_start
}

filters() {
	timeout 30 virt-admin -q -c "$1:///system" daemon-log-filters | sed 's/ *Logging filters: *//; s/ *$//'
}

@test "daemons: those that run, as their pid files name them" {
	run -0 --separate-stderr vd daemons --json
	same "$(json '.daemons[] | select(.daemon == "libvirtd") | [.state, (.pid | tostring)] | join(" ")')" \
		"running $(cat /run/libvirtd.pid)"
	same "$(json '.daemons[] | select(.daemon == "virtlogd") | .state')" running
	same "$(json .mode)" monolithic
	same "$(json '.daemons[] | select(.daemon == "libvirtd") | .version')" "$(v version | sed -n 's/^Using library: libvirt //p')"
}

@test "apply, reset: what virt-admin then shows" {
	run -0 --separate-stderr vd filters apply '3:util.object 1:util' --daemon libvirtd
	same "$(filters libvirtd)" '3:*util.object* 1:*util*'
	run -0 --separate-stderr vd filters show --live --json
	same "$(json '.settings[] | select(.source == "virt-admin" and .daemon == "libvirtd") | .value')" '3:util.object 1:util'
	run -0 --separate-stderr vd filters reset
	same "$(filters libvirtd)" ''
}

@test "apply with outputs: debug lines arrive there, the old outputs come back" {
	local log=/var/log/libvirt/apply.log before
	before=$(timeout 30 virt-admin -q -c libvirtd:///system daemon-log-outputs)
	run -0 --separate-stderr vd filters apply 1:qemu --outputs "1:file:$log" --daemon libvirtd
	define "${P}logged"
	v start --paused "${P}logged"
	remove_all
	grep -q ': debug : qemu' "$log"
	run -0 --separate-stderr vd filters reset
	same "$(timeout 30 virt-admin -q -c libvirtd:///system daemon-log-outputs)" "$before"
}

@test "apply --for: restored, also on SIGTERM; virtlogd as well" {
	local name pid
	for name in libvirtd virtlogd; do
		run -0 --separate-stderr vd filters apply 2:rpc --daemon "$name" --for 500ms
		same "$(filters "$name")" ''
		"$VIRTDIAG" filters apply 2:rpc --daemon "$name" --for 10min >/dev/null 2>"$BATS_TEST_TMPDIR/err-$name" 3>&- &
		pid=$!
		until_true 20 grep -q 'restored in' "$BATS_TEST_TMPDIR/err-$name"
		same "$(filters "$name")" '2:*rpc*'
		kill "$pid"
		wait "$pid"
		same "$(filters "$name")" ''
	done
}

@test "apply: a file that the daemon cannot open -> its words, nothing changed" {
	run -3 --separate-stderr vd filters apply 1:qemu --outputs 1:file:/nonexistent/x --daemon libvirtd
	has "$stderr" /nonexistent/x
	same "$(filters libvirtd)" ''
}

@test "daemon killed: not asked, not started" {
	libvirtd_kill
	run -3 --separate-stderr vd filters apply 1:qemu --daemon libvirtd
	run -0 --separate-stderr vd filters show --live --json
	same "$(json '[.settings[] | select(.source == "virt-admin") | .daemon] | unique | join(" ")')" virtlogd
	run -0 --separate-stderr vd daemons --json
	same "$(json '.daemons[] | select(.daemon == "libvirtd") | [.state, .flags[]] | join(" ")')" 'stopped stale-pid-file'
	libvirtd_start
}

@test "apply --persist: the daemon takes it after a restart" {
	run -0 --separate-stderr vd filters apply 2:rpc --daemon libvirtd --persist
	same "$(filters libvirtd)" ''
	libvirtd_kill
	libvirtd_start
	same "$(filters libvirtd)" '2:*rpc*'
	mapfile -t undo < <(vd filters apply 3:rpc --daemon libvirtd --persist --json | jq -r '.changes[0].undo[]')
	"${undo[@]}"
	run -0 --separate-stderr vd filters show --json
	same "$(json '.settings[] | select(.source == "conf" and .daemon == "libvirtd" and .setting == "filters") | .value')" 2:rpc
}
