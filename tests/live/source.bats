#!/usr/bin/env bats
# `virtdiag source emulator` under the real libvirtd: the guest runs what was named, and --restore brings the file back
# byte by byte; `source run` through libtool's wrapper. The kernel's /proc/PID and libvirt's own file are the oracle.
# shellcheck disable=SC2154 # run sets stderr
load helpers

setup_file() {
	load helpers
	mkdir -p /usr/local/tree
	# QEMU looks for its modules beside itself, so a copy would not do.
	printf '#!/bin/sh\nVD_TREE=yes exec /usr/bin/qemu-system-x86_64 "$@"\n' >/usr/local/tree/qemu-system-x86_64
	chmod +x /usr/local/tree/qemu-system-x86_64
	define "${P}web"
}

teardown_file() {
	load helpers
	remove_all
	rm -rf /usr/local/tree
}

# runs GUEST: starts it, and prints whose QEMU it runs
runs() {
	v start "$1" || return
	if tr '\0' '\n' <"/proc/$(pid "$1")/environ" | grep -qx VD_TREE=yes; then echo tree; else echo own; fi
	v destroy "$1"
}
# follow_next: the command that the last output names as next
follow_next() {
	local line
	line=$(sed -n 's/^next  \(.*[^ ]\)     a daemon.*/\1/p' <<<"$output")
	[ -n "$line" ]
	eval "$line"
}

@test "source emulator: a guest of the running libvirtd -> it runs the other one, and after --restore its own" {
	local file=/etc/libvirt/qemu/${P}web.xml
	cp "$file" "$BATS_TEST_TMPDIR/before"
	same "$(runs "${P}web")" own
	cmp "$file" "$BATS_TEST_TMPDIR/before"

	run -0 --separate-stderr vd source emulator "${P}web" /usr/local/tree/qemu-system-x86_64
	same "$(diff "$BATS_TEST_TMPDIR/before" "$file" | grep '^[<>]')" "\
<     <emulator>/usr/bin/qemu-system-x86_64</emulator>
>     <emulator>/usr/local/tree/qemu-system-x86_64</emulator>"
	follow_next
	same "$(runs "${P}web")" tree

	v start "${P}web"
	run -3 --separate-stderr vd source emulator --restore "${P}web"
	has "$stderr" "shut it down first"
	v destroy "${P}web"

	run -0 --separate-stderr vd source emulator --restore "${P}web"
	cmp "$file" "$BATS_TEST_TMPDIR/before"
	follow_next
	cmp "$file" "$BATS_TEST_TMPDIR/before"
	same "$(runs "${P}web")" own
}

# autotools_tree DIR: the installed libvirt, laid out as autotools leave a build: libtool's wrapper before the program
autotools_tree() {
	local lib=/usr/lib/x86_64-linux-gnu
	mkdir -p "$1/gnulib/lib" "$1/daemon/.libs" "$1/src/.libs"
	echo 'AC_INIT([libvirt], [9.0.0], [libvir-list@redhat.com], [], [http://libvirt.org])' >"$1/configure.ac"
	touch "$1/config.status"
	printf '#define PREFIX "/usr"\n#define SYSCONFDIR "/etc"\n#define LOCALSTATEDIR "/var"\n' >"$1/gnulib/lib/configmake.h"
	printf '#define PACKAGE_VERSION "9.0.0"\n#define WITH_LXC 1\n#define WITH_QEMU 1\n' >"$1/config.h"
	cp /usr/sbin/libvirtd "$1/daemon/.libs/libvirtd"
	cp $lib/libvirt.so.0.9000.0 "$1/src/.libs/"
	ln -s libvirt.so.0.9000.0 "$1/src/.libs/libvirt.so.0"
	cp $lib/libvirt/connection-driver/*.so "$1/src/.libs/"
	cat >"$1/daemon/libvirtd" <<-'X'
		#!/bin/sh
		# as libtool does: at the first run the program is linked anew, for the library of the tree
		dir=${0%/*}
		[ -x "$dir/.libs/lt-libvirtd" ] || cp "$dir/.libs/libvirtd" "$dir/.libs/lt-libvirtd"
		LD_LIBRARY_PATH=$dir/../src/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
		export LD_LIBRARY_PATH
		exec "$dir/.libs/lt-libvirtd" "$@"
	X
	chmod +x "$1/daemon/libvirtd"
}

@test "source run: libtool's wrapper -> its lt- program serves, with the tree's library; ended with it" {
	local mine pid
	autotools_tree /usr/local/tree/old
	run -0 --separate-stderr vd source check /usr/local/tree/old --json
	libvirtd_kill
	"$VIRTDIAG" source run /usr/local/tree/old >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	mine=$!
	until_true 60 v uri || {
		cat "$BATS_TEST_TMPDIR/log"
		return 1
	}
	pid=$(cat /run/libvirtd.pid)
	same "$(readlink "/proc/$pid/exe")" /usr/local/tree/old/daemon/.libs/lt-libvirtd
	grep -q '/usr/local/tree/old/src/.libs/libvirt.so.0.9000.0' "/proc/$pid/maps"
	run -0 --separate-stderr vd daemons --json
	same "$(json '.daemons[] | select(.daemon == "libvirtd") | [.state, .pid] | @json')" "[\"running\",$pid]"
	has "$(v list --all --name)" "${P}web"
	kill -TERM "$mine"
	wait "$mine"
	until_true 20 gone "$pid"
	libvirtd_start
}
