#!/usr/bin/env bats
# `virtdiag source` on a host that enforces: a tree below a home directory, whose daemon is the installed one under another
# name. Its labels, the domain that it gets into, the units that make room for it. The kernel's word is the oracle.
load helpers

TREE=/root/libvirt

setup_file() {
	mkdir -p $TREE/build/meson-info $TREE/build/src
	printf "project('libvirt', 'c', version: '9.0.0')\n" >$TREE/meson.build
	printf '{"directories": {"source": "%s", "build": "%s/build"}}' $TREE $TREE >$TREE/build/meson-info/meson-info.json
	printf '#define SYSCONFDIR "/etc"\n#define LOCALSTATEDIR "/var"\n' >$TREE/build/configmake.h
	printf '#define PACKAGE_VERSION "9.0.0"\n#define WITH_SECDRIVER_SELINUX 1\n#define WITH_QEMU 1\n' >$TREE/build/meson-config.h
	cp /usr/sbin/libvirtd $TREE/build/src/libvirtd
	cp /usr/lib/libvirt/libvirt_lxc $TREE/build/src/libvirt_lxc
	cp -L /usr/lib/x86_64-linux-gnu/libvirt.so.0 $TREE/build/src/libvirt.so.0.9000.0
	ln -s libvirt.so.0.9000.0 $TREE/build/src/libvirt.so.0
	printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/build/src exec "$@"\n' $TREE >$TREE/build/run
	chmod +x $TREE/build/run
	systemctl start libvirtd.socket libvirtd.service
}

# tree_pid: the process of the tree's daemon
tree_pid() {
	local exe
	for exe in /proc/[0-9]*/exe; do
		if [ "$(readlink "$exe")" = $TREE/build/src/libvirtd ]; then
			basename "${exe%/exe}"
			return
		fi
	done
	return 1
}

# until COMMAND...: waits until it succeeds
until_true() {
	local i
	for ((i = 0; i < 600; i++)); do
		if "$@"; then return 0; fi
		sleep 0.1
	done
	echo "# never: $*"
	return 1
}

@test "source label: programs and libraries without their types -> found, set, as installed ones have them, undone" {
	run -1 --separate-stderr vd source check $TREE --json
	same "$(json '[.findings[].id] | unique | join(" ")')" "label library-label running"
	run -0 --separate-stderr vd source label --dry-run $TREE
	same "$(label $TREE/build/src/libvirtd)" unconfined_u:object_r:user_home_t:s0
	run -0 --separate-stderr vd source label $TREE --json
	same "$(json '.changes[] | "\(.target) \(.done)"')" "$TREE/build/src/libvirtd done
$TREE/build/src/libvirt_lxc done
$TREE/build/src/libvirt.so.0.9000.0 done
$TREE/build/src/libvirt.so.0 done"
	for pair in libvirtd:/usr/sbin/libvirtd libvirt_lxc:/usr/lib/libvirt/libvirt_lxc; do
		same "$(label $TREE/build/src/"${pair%%:*}" | cut -d: -f3)" "$(label "${pair#*:}" | cut -d: -f3)"
	done
	mapfile -t undo < <(json '.changes[0].undo[]')
	"${undo[@]}"
	same "$(label $TREE/build/src/libvirtd)" unconfined_u:object_r:user_home_t:s0
	run -3 --separate-stderr vd source run $TREE
	has "$stderr" "'virtdiag source label' first"
	run -0 --separate-stderr vd source label $TREE
	run -0 --separate-stderr vd source label $TREE
	has "$output" "every program and library of it has its type"
	run -0 --separate-stderr vd source check $TREE --json
	same "$(json '[.findings[].id] | unique | join(" ")')" running
}

# source_run COMMAND...: starts virtdiag in the background; $mine is its process, its words are in $LOG. bats waits for
# whoever holds its descriptor 3.
source_run() {
	LOG=$BATS_TEST_TMPDIR/log
	"$@" >"$LOG" 2>&1 </dev/null 3>&- &
	mine=$!
}

# units: the states of the units that make room
units() {
	systemctl is-active libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service | tr '\n' ' '
}

# up: the tree's daemon serves
up() {
	if ! { until_true tree_pid >/dev/null && until_true q uri >/dev/null && pid=$(tree_pid); }; then
		cat "$LOG"
		return 1
	fi
}

@test "source run: the tree's daemon -> in the domain of the installed one, its own library, units stopped and started" {
	vd source label $TREE >/dev/null
	same "$(units)" "active active active active "
	run -0 --separate-stderr vd source run --dry-run $TREE
	same "${lines[0]}" "systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service"
	same "${lines[-1]}" "systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service"
	has "$output" "runcon"
	same "$(units)" "active active active active "
	source_run "$VIRTDIAG" source run $TREE
	up
	same "$(tr -d '\0' <"/proc/$pid/attr/current" | cut -d: -f2-)" system_r:virtd_t:s0-s0:c0.c1023
	grep -qF $TREE/build/src/libvirt.so.0.9000.0 "/proc/$pid/maps"
	run -1 grep -F /usr/lib/x86_64-linux-gnu/libvirt.so "/proc/$pid/maps"
	same "$(units)" "inactive inactive inactive inactive "
	run -0 --separate-stderr vd source check $TREE --json
	kill -TERM "$mine"
	wait "$mine"
	run -1 tree_pid
	same "$(units)" "active active active active "
	same "$(q uri)" qemu:///system
}

@test "source run: the daemon is killed -> told, units are started" {
	vd source label $TREE >/dev/null
	source_run "$VIRTDIAG" source run $TREE
	up
	kill -KILL "$pid"
	status=0
	wait "$mine" || status=$?
	same "$status" 3
	has "$(cat "$LOG")" "libvirtd ended with signal 9"
	same "$(units)" "active active active active "
}

@test "source run: interrupted at the terminal, or while it stops units -> units are started" {
	vd source label $TREE >/dev/null
	# A terminal tells all of its foreground at once.
	source_run setsid "$VIRTDIAG" source run $TREE
	up
	kill -INT -- "-$mine"
	wait "$mine"
	run -1 tree_pid
	same "$(units)" "active active active active "
	# systemctl tells its parent, virtdiag, to end as soon as the first unit is stopped: the daemon is not run, and no unit stays stopped
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/systemctl" <<-'SH'
		#!/bin/sh
		/usr/bin/systemctl "$@"
		status=$?
		echo "$*" >>"$CALLS"
		if [ "$1" = stop ]; then kill -TERM $PPID; fi
		exit $status
	SH
	chmod +x "$BATS_TEST_TMPDIR/bin/systemctl"
	export CALLS=$BATS_TEST_TMPDIR/calls
	source_run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" "$VIRTDIAG" source run $TREE
	wait "$mine" || {
		cat "$LOG" "$CALLS"
		return 1
	}
	same "$(grep -vc is-active "$CALLS")" 8 # four units stopped, and started
	run -1 tree_pid
	same "$(units)" "active active active active "
}

@test "source check: the tree's daemon started by hand -> it is in the wrong domain" {
	systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
	vd source label $TREE >/dev/null
	$TREE/build/run $TREE/build/src/libvirtd >/dev/null 2>&1 </dev/null 3>&- &
	mine=$!
	until_true tree_pid >/dev/null
	until_true test -e /run/libvirt/libvirt-sock
	run -1 --separate-stderr vd source check $TREE --json
	same "$(json '.findings[] | select(.id == "domain") | .severity')" fail
	has "$(json '.findings[] | select(.id == "domain") | .message')" "runs as unconfined_u:unconfined_r:unconfined_t"
	kill "$mine"
	wait "$mine" || true
	systemctl start libvirtd.socket libvirtd.service
}
