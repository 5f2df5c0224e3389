#!/usr/bin/env bats
# Protects `filters apply` and `filters reset`: what is asked of virt-admin and when, what is put back and when not, and
# the edited configuration file. A process called virtvzd stands for the daemon of this user's session, and a script in
# PATH for virt-admin; the real ones are tried by tests/live/apply.bats.
# shellcheck disable=SC2154

load helpers

setup() {
	D=$BATS_TEST_TMPDIR
	mkdir -p "$D"/{bin,config/libvirt,run/libvirt,cache,fake}
	CONF=$D/config/libvirt/virtvzd.conf
	cat >"$D/bin/virt-admin" <<-X
		#!/usr/bin/env bash
		cd '$D/fake' || exit 9
		printf '%s|' "\$@" >>calls
		echo >>calls
		what=\${3#daemon-log-}
		if [ -e "fail-\$what" ]; then
			printf 'error: Unable to change daemon logging settings\nerror: it is broken\n' >&2
			exit 1
		elif [ -e hang ]; then
			sleep 60
		elif [ \$# -ge 4 ]; then
			printf '%s' "\$4" >"\$what"
			[ ! -e refuse-filters ] || [ "\$what" != filters ] || { echo 'error: no filters' >&2; exit 1; }
		elif [ "\$what" = filters ]; then
			printf ' Logging filters: '
			for item in \$(cat filters); do printf '%s:*%s* ' "\${item%%:*}" "\${item#*:}"; done
			printf '\n\n'
		else
			printf ' Logging outputs: %s\n\n' "\$(cat outputs)"
		fi
	X
	chmod +x "$D/bin/virt-admin"
	printf '3:object' >"$D/fake/filters"
	printf '1:file:/tmp/a.log' >"$D/fake/outputs"
	: >"$D/fake/calls"
	cp "$(command -v sleep)" "$D/bin/virtvzd"
}

# Until it is gone: one that is ending has no environment that tells whose it is, and the next test would meet it.
teardown() {
	[ -n "${DAEMON-}" ] || return 0
	kill "$DAEMON" 2>/dev/null || true
	while [ -n "$(tr '\0' ' ' <"/proc/$DAEMON/cmdline" 2>/dev/null)" ]; do sleep 0.02; done
	while grep -qs '^State:[[:blank:]]*[^ZX]' "/proc/$DAEMON/status"; do sleep 0.02; done
}

# start_daemon [RUNTIME_DIR]
start_daemon() {
	# of this session: the same user may run these tests twice at a time
	XDG_RUNTIME_DIR=${1:-$D/run} "$D/bin/virtvzd" 600 </dev/null >/dev/null 2>&1 3>&- &
	DAEMON=$!
	disown
	# the name comes a moment before the environment
	until [ "$(cat "/proc/$DAEMON/comm")" = virtvzd ] && grep -qs XDG_RUNTIME_DIR= "/proc/$DAEMON/environ"; do sleep 0.02; done
}
# s ARGS...: virtdiag, looking at the session that the test has made
s() {
	env -i PATH="$D/bin:$PATH" HOME="$D" TERM=dumb LC_ALL=C.UTF-8 COLUMNS=200 XDG_RUNTIME_DIR="$D/run" \
		XDG_CONFIG_HOME="$D/config" XDG_CACHE_HOME="$D/cache" ASAN_OPTIONS="${ASAN_OPTIONS-}" \
		UBSAN_OPTIONS="${UBSAN_OPTIONS-}" "$VIRTDIAG" --session "$@"
}
apply() {
	s filters apply --libvirt 9.0.0 --daemon virtvzd "$@"
}
# waiting PID: until the virtdiag with that pid has set its filters and waits; false when it ends before
waiting() {
	until grep -qs 'restored in' "$D/err"; do
		kill -0 "$1" || return 1
		sleep 0.02
	done
}
now() {
	cat "$D/fake/filters"
}
changes() {
	json '.changes[] | [.setting, .old, .new, .done] | @json'
}

@test "apply: set, old value remembered, undo told, reset puts it back" {
	start_daemon
	run -0 --separate-stderr apply 1:qemu
	same "$output" "$(
		cat <<-'X'
			DAEMON   SETTING  OLD       NEW     DONE  TARGET
			virtvzd  filters  3:object  1:qemu  set   virtvzd:///session

			undo    virt-admin -c virtvzd:///session daemon-log-filters 3:object
		X
	)"
	same "$(now)" 1:qemu
	run -0 --separate-stderr s filters reset --json
	same "$(changes)" '["filters","1:qemu","3:object","restored"]'
	same "$(now)" 3:object
	run -0 --separate-stderr s filters reset
	has "$output" 'nothing to reset'
}

@test "apply: twice -> reset goes back to the beginning" {
	start_daemon
	run -0 --separate-stderr apply 1:qemu
	run -0 --separate-stderr apply 1:util.command --outputs 1:file:/tmp/b.log --json
	same "$(changes)" '["filters","1:qemu","1:util.command","set"]
["outputs","1:file:/tmp/a.log","1:file:/tmp/b.log","set"]'
	same "$(json '.changes[1].undo | @json')" \
		'["virt-admin","-c","virtvzd:///session","daemon-log-outputs","1:file:/tmp/a.log"]'
	run -0 --separate-stderr s filters reset
	same "$(now) $(cat "$D/fake/outputs")" '3:object 1:file:/tmp/a.log'
}

@test "apply: a bad string -> refused before anything is asked" {
	start_daemon
	run -1 --separate-stderr apply '1:qemu 9:x'
	has "$output" "Invalid priority '9'"
	run -1 --separate-stderr apply 1:qemu --outputs 1:nowhere
	run -1 --separate-stderr apply 1:qemu: --persist --outputs 1:file
	same "$(cat "$D/fake/calls")" ''
	[ ! -e "$CONF" ]
}

@test "apply: a daemon that does not run -> not asked" {
	run -3 --separate-stderr apply 1:qemu
	has "$stderr" 'virtvzd does not run, and asking would start it'
	run -3 --separate-stderr s filters reset --daemon virtvzd
	echo 'log_filters = "2:rpc"' >"$CONF"
	run --separate-stderr s filters show --live --libvirt 9.0.0
	[ "$status" -eq 0 ] || { [ "$status" -eq 3 ] && hasnt "$stderr" virtvzd; }
	hasnt "$(cat "$D/fake/calls")" virtvzd
}

@test "apply: a daemon of another session of this user -> not asked" {
	mkdir -p "$D/other"
	start_daemon "$D/other"
	run -3 --separate-stderr apply 1:qemu
	has "$stderr" 'virtvzd does not run, and asking would start it'
	run -0 --separate-stderr s daemons --json
	same "$(json ".daemons[] | select(.pid == $DAEMON) | .flags | index(\"elsewhere\") != null")" true
	same "$(cat "$D/fake/calls")" ''
}

@test "apply --persist: whose configuration it is cannot be told -> exit 3, both set up -> choose" {
	mkdir "$D/root"
	run -3 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --persist --dry-run 1:qemu
	has "$stderr" "neither virtqemud nor libvirtd was found in $D/root: name the daemon with --daemon"
	run -0 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --persist --dry-run 1:qemu --daemon libvirtd
	mkdir -p "$D/root/usr/sbin"
	touch "$D"/root/usr/sbin/{libvirtd,virtqemud}
	run -2 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --persist --dry-run 1:qemu
	has "$stderr" 'choose one with --daemon'
}

@test "apply --dry-run -> old value asked, nothing set" {
	start_daemon
	run -0 --separate-stderr apply 1:qemu --dry-run --json
	same "$(changes)" '["filters","3:object","1:qemu","not yet"]'
	same "$(json .dry_run)" true
	same "$(now)" 3:object
	hasnt "$(cat "$D/fake/calls")" 1:qemu
	[ ! -e "$D/run/virtdiag" ]
}

@test "apply: outputs set, filters refused -> outputs put back, exit 3" {
	start_daemon
	touch "$D/fake/refuse-filters"
	run -3 --separate-stderr apply 1:qemu --outputs 1:file:/tmp/b.log
	has "$stderr" 'virt-admin failed: no filters'
	same "$(cat "$D/fake/outputs")" 1:file:/tmp/a.log
	[ ! -e "$D/run/virtdiag" ]
}

@test "apply: virt-admin fails -> its words, exit 3" {
	start_daemon
	touch "$D/fake/fail-filters"
	run -3 --separate-stderr apply 1:qemu
	has "$stderr" 'virt-admin failed: it is broken'
	run -3 --separate-stderr s filters show --live --libvirt 9.0.0
	has "$stderr" 'it is broken'
}

@test "apply --for: over -> restored, nothing remembered" {
	start_daemon
	run -0 --separate-stderr apply 1:qemu --for 300ms --json
	same "$(changes)" '["filters","3:object","1:qemu","restored"]'
	same "$(now)" 3:object
	[ ! -e "$D/run/virtdiag/virtvzd.json" ]
}

@test "apply --for: SIGINT, SIGTERM, SIGHUP -> restored at once" {
	local signal pid
	start_daemon
	for signal in TERM HUP INT; do
		rm -f "$D/err"
		# a job in the background ignores SIGINT unless it is told not to
		env --default-signal=INT -i PATH="$D/bin:$PATH" HOME="$D" LC_ALL=C.UTF-8 XDG_RUNTIME_DIR="$D/run" \
			XDG_CONFIG_HOME="$D/config" XDG_CACHE_HOME="$D/cache" ASAN_OPTIONS="${ASAN_OPTIONS-}" "$VIRTDIAG" --session \
			filters apply --libvirt 9.0.0 --daemon virtvzd 1:qemu --for 10min --json >"$D/out" 2>"$D/err" 3>&- &
		pid=$!
		waiting "$pid"
		same "$(now)" 1:qemu
		kill -s "$signal" "$pid"
		wait "$pid"
		same "$(now)" 3:object
		same "$(jq -r '.changes[0].done' "$D/out")" restored
	done
}

@test "apply --for: changed by someone else meanwhile -> left alone" {
	local pid
	start_daemon
	# ended by a signal and not by the clock, so that the change always comes first
	env -i PATH="$D/bin:$PATH" HOME="$D" LC_ALL=C.UTF-8 XDG_RUNTIME_DIR="$D/run" XDG_CONFIG_HOME="$D/config" \
		XDG_CACHE_HOME="$D/cache" ASAN_OPTIONS="${ASAN_OPTIONS-}" "$VIRTDIAG" --session \
		filters apply --libvirt 9.0.0 --daemon virtvzd 1:qemu --for 10min --json >"$D/out" 2>"$D/err" 3>&- &
	pid=$!
	waiting "$pid"
	printf 4:rpc >"$D/fake/filters"
	kill "$pid"
	wait "$pid"
	same "$(now)" 4:rpc
	same "$(jq -r '.changes[0].done' "$D/out")" left
}

@test "apply --for: the daemon ends meanwhile -> gone, not asked again" {
	start_daemon
	apply 1:qemu --for 10min --json >"$D/out" 2>"$D/err" &
	waiting $!
	: >"$D/fake/calls"
	kill "$DAEMON"
	wait $!
	same "$(jq -r '.changes[0].done' "$D/out")" gone
	same "$(cat "$D/fake/calls")" ''
}

@test "reset --daemon: nothing remembered -> what the configuration says" {
	echo 'log_filters = "2:rpc"' >"$CONF"
	touch -d '1 hour ago' "$CONF"
	start_daemon
	run -0 --separate-stderr s filters reset --daemon virtvzd --json
	same "$(changes)" '["filters","3:object","2:rpc","restored"]
["outputs","1:file:/tmp/a.log","","restored"]'
	same "$(now)" 2:rpc
}

@test "show --live -> what virt-admin reports counts now" {
	echo 'log_filters = "2:rpc"' >"$CONF"
	touch -d '1 hour ago' "$CONF"
	start_daemon
	# another daemon of this user may run here and not be ours to ask
	run --separate-stderr s filters show --libvirt 9.0.0 --live --json
	[ "$status" -eq 0 ] || { [ "$status" -eq 3 ] && hasnt "$stderr" virtvzd; }
	same "$(json '.settings[] | select(.setting == "filters" and .daemon == "virtvzd") | [.source, .value, .applies] | @json')" \
		'["virt-admin","3:object",["now"]]
["conf","2:rpc",["next"]]'
	run -0 --separate-stderr s filters show --libvirt 9.0.0 --json
	same "$(json '.settings[] | select(.setting == "filters" and .daemon == "virtvzd") | [.source, .value, .applies] | @json')" \
		'["conf","2:rpc",["now","next"]]'
}

@test "apply --persist: edited at once, with mode, comments and a backup; undo" {
	printf '# mine\nlog_filters = "4:old" # keep\nlog_filters = "4:second"\n' >"$CONF"
	chmod 600 "$CONF"
	run -0 --separate-stderr apply 1:qemu --persist --json
	same "$(changes)" '["filters","4:old","1:qemu","written"]'
	same "$(cat "$CONF")" $'# mine\nlog_filters = "1:qemu" # keep\nlog_filters = "4:second"'
	same "$(stat -c %a "$CONF")" 600
	has "$(cat "$(json '.changes[0].backup')")" 4:old
	mapfile -t undo < <(json '.changes[0].undo[]')
	"${undo[@]}"
	has "$(cat "$CONF")" 4:old
	same "$(find "$D/config/libvirt" -type f | wc -l)" 1
	same "$(cat "$D/fake/calls")" ''
}

@test "apply --persist: no file yet, the same again, a broken file" {
	run -0 --separate-stderr apply 1:qemu --outputs '1:file:/tmp/x 3:journald' --persist
	same "$(cat "$CONF")" $'log_filters = "1:qemu"\nlog_outputs = "1:file:/tmp/x 3:journald"'
	has "$output" "undo    rm -- $CONF"
	run -0 --separate-stderr apply 1:qemu --persist --json
	same "$(changes)" '["filters","1:qemu","1:qemu","unchanged"]'
	same "$(find "$D/config/libvirt" -type f | wc -l)" 1
	echo 'log_filters = oops' >"$CONF"
	run -3 --separate-stderr apply 1:qemu --persist
	has "$stderr" 'libvirt could not read the file as it is'
	same "$(cat "$CONF")" 'log_filters = oops'
}

@test "apply --persist --dry-run -> a diff, for a capture too" {
	mkdir -p "$D/root/etc/libvirt"
	printf '#log_filters="1:x"\n#\nlog_outputs = "3:journald"\n' >"$D/root/etc/libvirt/virtqemud.conf"
	run -0 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --daemon virtqemud --persist --dry-run 1:qemu
	same "$output" "$(
		cat <<-'X'
			DAEMON     SETTING  OLD  NEW     DONE     TARGET
			virtqemud  filters  -    1:qemu  not yet  /etc/libvirt/virtqemud.conf

			--- /etc/libvirt/virtqemud.conf
			+++ /etc/libvirt/virtqemud.conf
			@@ -1,3 +1,4 @@
			 #log_filters="1:x"
			+log_filters = "1:qemu"
			 #
			 log_outputs = "3:journald"
		X
	)"
	run -2 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --daemon virtqemud --persist 1:qemu
	has "$stderr" 'a capture cannot be changed'
}

@test "apply --topic: the topic's string, the daemon that serves it" {
	mkdir -p "$D"/root/{etc/libvirt,usr/sbin}
	touch "$D"/root/usr/sbin/{virtnetworkd,virtqemud}
	run -0 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --topic network --persist --dry-run --json
	same "$(json '.changes[].target')" /etc/libvirt/virtnetworkd.conf
	has "$(json '.changes[].new')" 1:network
	touch "$D/root/usr/sbin/libvirtd"
	run -2 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --topic network --persist --dry-run
	has "$stderr" 'choose one with --daemon'
	run -2 --separate-stderr vd --root "$D/root" filters apply --libvirt 9.0.0 --topic netwrk --persist --dry-run
	has "$stderr" "did you mean 'network'?"
}

@test "options that exclude each other -> usage" {
	run -2 --separate-stderr s filters apply
	run -2 --separate-stderr s filters apply 1:a --topic qemu
	run -2 --separate-stderr apply 1:a --persist --for 1s
	run -2 --separate-stderr apply 1:a --for 0
	run -2 --separate-stderr vd --root "$D" filters apply 1:a
	run -2 --separate-stderr vd --root "$D" filters reset
}
